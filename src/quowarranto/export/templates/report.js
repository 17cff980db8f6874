"use strict";
(() => {
  const bar = document.querySelector(".filter");
  const findings = [...document.querySelectorAll(".finding")];
  const open = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView(); }
  };
  addEventListener("hashchange", open);
  open();
  if (!bar) return;
  bar.hidden = false;
  const text = document.getElementById("filter");
  const boxes = [...bar.querySelectorAll("input[type=checkbox]")];
  const words = findings.map((one) => one.querySelector("summary").textContent.toLowerCase());
  const apply = () => {
    const wanted = text.value.trim().toLowerCase();
    const grave = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let shown = 0;
    findings.forEach((one, place) => {
      one.hidden = !grave.has(one.dataset.severity) || (wanted && !words[place].includes(wanted));
      if (!one.hidden) shown += 1;
    });
    document.getElementById("matches").textContent = shown === findings.length ? "" : `${shown} of ${findings.length}`;
  };
  bar.addEventListener("input", apply);
})();
