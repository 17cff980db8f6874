"use strict";
(() => {
  const bar = document.querySelector(".filter");
  const findings = [...document.querySelectorAll(".finding")];
  const open = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (let one = target; one; one = one.parentElement) if (one.tagName === "DETAILS") one.open = true;
    target.hidden = false;
    target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();
  for (const one of findings) {
    one.addEventListener("toggle", () => {
      const samples = one.querySelectorAll(".action");
      if (one.open && samples.length) samples[0].open = true;
    });
  }
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
