/* Lines of JSON become columns: what `sources/layout.py` declares and `case/ordinary_compiled.py` calls.
 *
 * An entry is taken only if every byte of it is accounted for: `{"name":value,...}` with names of the layout, each at
 * most once, nothing between the tokens; the same of objects in it whose members the layout names. Texts that are used
 * here hold ASCII without control characters and backslashes. Other values are only found, by their brackets and
 * quotes; whether they are sound JSON is for the reader of the part that they belong to, who is shown each different
 * one once. So what is taken here is what the strict reader would accept.
 *
 * Texts that go into columns as they are must hold no secret. Most show at a glance that they do not; the others are
 * numbered like parts, and whoever knows secrets is shown each different one once.
 *
 * Plain C11 without Python's headers: any C compiler makes it. Memory that cannot be had ends in a negative return.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(_WIN32)
#define API __declspec(dllexport)
#else
#define API __attribute__((visibility("default")))
#endif

enum { MOST_FIELDS = 60, MOST_PARTS = 8, MOST_OWN = 12, MOST_MOMENTS = 4, LONGEST_OWN = 4096 };
enum kind { RAW, TEXT, WRITTEN, EXACT, ONE_OF, NAME, TIME, SAID, OBJECT, CALLED, OWN, LIST, MOMENT };
enum { NO_MEMORY = -1, UNASSIGNED = -2, UNUSUAL = -1 };
static const int64_t NO_MOMENT = INT64_MIN;

/* ---- growing memory ---------------------------------------------------------------------------------------------- */

typedef struct { char *at; size_t used, room; } bytes_t;
typedef struct { int32_t *at; size_t used, room; } ints_t;
typedef struct { int64_t *at; size_t used, room; } longs_t;

static int more(void **at, size_t *room, size_t wanted, size_t width) {
    if (wanted <= *room) return 0;
    size_t grown = *room ? *room : 1024;
    while (grown < wanted) grown *= 2;
    void *found = realloc(*at, grown * width);
    if (!found) return NO_MEMORY;
    *at = found;
    *room = grown;
    return 0;
}
static int add_bytes(bytes_t *to, const char *from, size_t length) {
    if (more((void **)&to->at, &to->room, to->used + length, 1)) return NO_MEMORY;
    if (length) memcpy(to->at + to->used, from, length);
    to->used += length;
    return 0;
}
static int add_int(ints_t *to, int32_t value) {
    if (more((void **)&to->at, &to->room, to->used + 1, sizeof value)) return NO_MEMORY;
    to->at[to->used++] = value;
    return 0;
}
static int add_long(longs_t *to, int64_t value) {
    if (more((void **)&to->at, &to->room, to->used + 1, sizeof value)) return NO_MEMORY;
    to->at[to->used++] = value;
    return 0;
}

/* ---- the layout -------------------------------------------------------------------------------------------------- */

typedef struct {
    const char *name;    /* as it stands in the entry, without quotes */
    int32_t kind;
    int32_t required;    /* in the object that it stands in */
    int32_t parent;      /* that object, before it in the layout; -1 for the entry */
    const char *values;  /* EXACT, ONE_OF: texts, each ended by a zero byte; NAME, SAID: which characters */
    int32_t count;       /* of the values */
} field_t;

typedef struct {
    int32_t fields[MOST_FIELDS];
    int32_t unless[MOST_FIELDS]; /* a field beside which this one does not count, or -1 */
    int32_t count;
} part_t;

typedef struct {          /* the different texts of a part; open addressing */
    uint64_t *hashes;
    int32_t *slots;       /* number + 1, 0 where there is none */
    size_t width;         /* a power of two */
    bytes_t text;
    longs_t begins;       /* of the text of each number, and the end of the last */
    ints_t current;       /* its number among the rows that wait; UNASSIGNED, UNUSUAL */
    bytes_t made;         /* whether a fact comes of it */
} table_t;

typedef struct { int32_t begin, end; } span_t;
typedef struct { int32_t part, number, row; } fresh_t;

typedef struct {
    int64_t time, moments[MOST_MOMENTS];
    span_t name, own[MOST_OWN];
    int32_t parts[MOST_PARTS];
    int32_t stage;
    int32_t ordinary;
} row_t;

typedef struct {          /* columns of the rows that wait, or of some of them */
    longs_t times, lines, offsets;
    ints_t stages, places, acts, decides, parts[MOST_PARTS], has;
    bytes_t names, own[MOST_OWN], digests;
    longs_t name_ends, own_ends[MOST_OWN], moments[MOST_MOMENTS];
} rows_t;

/* Of OpenSSL. One call looks the algorithm up anew every time, which takes twice as long as a short text needs; the
 * three steps do not, where OpenSSL was made with them. */
typedef struct {
    unsigned char *(*whole)(const unsigned char *, size_t, unsigned char *);
    int (*begin)(void *);
    int (*add)(void *, const void *, size_t);
    int (*end)(unsigned char *, void *);
} sha256_t;

typedef struct {
    field_t fields[MOST_FIELDS];
    size_t lengths[MOST_FIELDS];
    int32_t field_count, part_count, said_count, own_count, moment_count, stage_field, acts;
    int32_t place_of[MOST_FIELDS];              /* of what an entry has for itself: among texts, or among moments */
    int32_t within[MOST_FIELDS + 1][MOST_FIELDS], within_count[MOST_FIELDS + 1]; /* fields of each object */
    uint64_t required[MOST_FIELDS + 1], seed;
    part_t parts[MOST_PARTS];
    table_t tables[MOST_PARTS + 1];             /* the last one is of texts that could hold a secret */
    const char *hints;                          /* what stands in all such texts, each ended by a zero byte */
    int32_t hint_count;
    unsigned char hinted[1 << 13];              /* which three characters a hint may begin with, by their hash */
    ints_t doubts;                              /* pairs: the entry, and the number of such a text in it */
    sha256_t sha256;
    const char *block;
    longs_t begins, ends, offsets, lines;
    row_t *rows;
    size_t row_room, row_count;
    fresh_t *fresh;
    size_t fresh_room, fresh_count;
    span_t *spans;        /* of all fields of the rows in `fresh` */
    size_t span_room;
    ints_t left;
    int32_t *stage_slots;
    size_t stage_room;
    bytes_t key;
    int32_t place;
    rows_t waiting, chosen[2];
    const rows_t *view[2];                      /* what was chosen: all that waits, or a copy of some */
    ints_t unions;        /* number of the union, by row */
} cutter_t;

/* Room enough for what OpenSSL keeps between the steps (112 bytes). */
typedef union { uint64_t align; unsigned char room[512]; } sha256_state_t;

static int digested(const cutter_t *c, const char *at, size_t length, unsigned char *digest) {
    const sha256_t *sha = &c->sha256;
    if (!sha->begin || !sha->add || !sha->end) return sha->whole((const unsigned char *)at, length, digest) != NULL;
    sha256_state_t state;
    return sha->begin(&state) && sha->add(&state, at, length) && sha->end(digest, &state);
}

static uint64_t mix(uint64_t a, uint64_t b) {
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}
static uint64_t hashed(const char *at, size_t length, uint64_t seed) {
    uint64_t hash = mix(seed ^ 0x9e3779b97f4a7c15u, length + 0xbf58476d1ce4e5b9u), word;
    for (; length >= 8; at += 8, length -= 8) {
        memcpy(&word, at, 8);
        hash = mix(hash ^ word ^ seed, 0xd6e8feb86659fd93u);
    }
    word = 0;
    memcpy(&word, at, length);
    return mix(hash ^ word, 0xa0761d6478bd642fu ^ seed);
}

API int32_t qw_version(void) { return 5; }

static const unsigned char LOWER[256] = {
#define SAME(c) [c] = c, [c + 1] = c + 1, [c + 2] = c + 2, [c + 3] = c + 3
#define SMALL(c) [c] = c + 32, [c + 1] = c + 33
    SAME(0), SAME(4), SAME(8), SAME(12), SAME(16), SAME(20), SAME(24), SAME(28), SAME(32), SAME(36), SAME(40),
    SAME(44), SAME(48), SAME(52), SAME(56), SAME(60), ['@'] = '@', SMALL('A'), SMALL('C'), SMALL('E'), SMALL('G'),
    SMALL('I'), SMALL('K'), SMALL('M'), SMALL('O'), SMALL('Q'), SMALL('S'), SMALL('U'), SMALL('W'), SMALL('Y'),
    ['['] = '[', SAME('\\'), SAME(96), SAME(100), SAME(104), SAME(108), SAME(112), SAME(116), SAME(120), SAME(124)
};
static unsigned three(unsigned characters) { return (characters * 0x9e3779b1u) >> 16; }

/* Hints are of three characters or more, in small letters. */
static void know_hints(cutter_t *c, const char *hints, int32_t count) {
    c->hints = hints;
    c->hint_count = count;
    for (int32_t n = 0; n < count; n++) {
        const unsigned char *hint = (const unsigned char *)hints;
        unsigned at = three((unsigned)hint[0] << 16 | (unsigned)hint[1] << 8 | hint[2]);
        c->hinted[at >> 3] |= (unsigned char)(1 << (at & 7));
        hints += strlen(hints) + 1;
    }
}

/* `acts`: whether an entry makes an action; the texts of `hints` must last as long as what is made here. */
API cutter_t *qw_new(const field_t *fields, int32_t field_count, const part_t *parts, int32_t part_count,
                     int32_t acts, const char *hints, int32_t hint_count, uint64_t seed,
                     const sha256_t *sha256) {
    cutter_t *made = calloc(1, sizeof *made);
    if (!made || field_count > MOST_FIELDS || part_count > MOST_PARTS) { free(made); return NULL; }
    made->acts = acts;
    know_hints(made, hints, hint_count);
    made->field_count = field_count;
    made->part_count = part_count;
    made->seed = seed;
    made->sha256 = *sha256;
    made->stage_field = -1;
    for (int f = 0; f < field_count; f++) {
        made->fields[f] = fields[f];
        made->lengths[f] = strlen(fields[f].name);
        int object = fields[f].parent + 1;
        if (object > f || (object && fields[object - 1].kind != OBJECT)) { free(made); return NULL; }
        made->within[object][made->within_count[object]++] = f;
        if (fields[f].required) made->required[object] |= (uint64_t)1 << f;
        if (fields[f].kind == ONE_OF) made->stage_field = f;
        if (fields[f].kind == SAID) made->said_count++;
        if (fields[f].kind == MOMENT) made->place_of[f] = made->moment_count++;
    }
    for (int f = 0; f < field_count; f++) /* what is said comes first */
        if (fields[f].kind == SAID) made->place_of[f] = made->own_count++;
    for (int f = 0; f < field_count; f++)
        if (fields[f].kind == OWN || fields[f].kind == LIST) made->place_of[f] = made->own_count++;
    if (made->own_count > MOST_OWN || made->moment_count > MOST_MOMENTS) { free(made); return NULL; }
    for (int p = 0; p < part_count; p++) made->parts[p] = parts[p];
    return made;
}

static void release_rows(rows_t *rows) {
    free(rows->times.at); free(rows->lines.at); free(rows->offsets.at); free(rows->stages.at); free(rows->places.at);
    free(rows->acts.at); free(rows->decides.at); free(rows->has.at); free(rows->names.at); free(rows->digests.at);
    free(rows->name_ends.at);
    for (int p = 0; p < MOST_PARTS; p++) free(rows->parts[p].at);
    for (int s = 0; s < MOST_OWN; s++) { free(rows->own[s].at); free(rows->own_ends[s].at); }
    for (int m = 0; m < MOST_MOMENTS; m++) free(rows->moments[m].at);
}

API void qw_free(cutter_t *c) {
    for (int p = 0; p <= MOST_PARTS; p++) {
        table_t *table = &c->tables[p];
        free(table->hashes); free(table->slots); free(table->text.at);
        free(table->begins.at); free(table->current.at); free(table->made.at);
    }
    release_rows(&c->waiting);
    release_rows(&c->chosen[0]);
    release_rows(&c->chosen[1]);
    free(c->begins.at); free(c->ends.at); free(c->offsets.at); free(c->lines.at); free(c->rows); free(c->fresh);
    free(c->spans); free(c->left.at); free(c->stage_slots); free(c->key.at); free(c->unions.at);
    free(c->doubts.at);
    free(c);
}

/* ---- one entry --------------------------------------------------------------------------------------------------- */

static const unsigned char STOPS[256] = { ['"'] = 1, ['\\'] = 2 };

/* The end of a text, after its closing quote; 0 if there is none. `plain` is cleared by anything but printable ASCII. */
static const char *text_end(const char *at, const char *end, int *plain) {
    unsigned char seen = 0;
    int low = 0;
    for (;;) {
        const char *stop = memchr(at, '"', end - at);
        if (!stop) return NULL;
        for (const char *c = at; c < stop; c++) {
            seen |= (unsigned char)*c;
            low |= (unsigned char)*c < 0x20;
        }
        size_t slashes = 0;
        while (stop - slashes > at && stop[-1 - (ptrdiff_t)slashes] == '\\') slashes++;
        if (low) return NULL;
        if (seen & 0x80) *plain = 0;
        if (memchr(at, '\\', stop - at)) *plain = 0;
        if (slashes % 2 == 0) return stop + 1;
        at = stop + 1;
    }
}

/* The end of an object or list, found by its brackets outside of texts. */
static const char *nested_end(const char *at, const char *end) {
    int depth = 0;
    while (at < end) {
        char c = *at++;
        if (c == '"') {
            for (;;) {
                while (at < end && !STOPS[(unsigned char)*at]) at++;
                if (at >= end) return NULL;
                if (*at++ == '"') break;
                if (++at > end) return NULL;
            }
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (--depth == 0) return at;
        }
    }
    return NULL;
}

static const char *value_end(const char *at, const char *end, int *plain) {
    *plain = 0;
    if (at >= end) return NULL;
    if (*at == '"') {
        *plain = 1;
        return text_end(at + 1, end, plain);
    }
    if (*at == '{' || *at == '[') return nested_end(at, end);
    const char *begin = at;
    while (at < end && *at != ',' && *at != '}' && *at != ']' && *at != '"') at++;
    return at > begin ? at : NULL;
}

static int two(const char *at) {
    return at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9' ? -1 : (at[0] - '0') * 10 + at[1] - '0';
}

/* Microseconds of `2026-03-01T09:14:07.123456Z`, with up to nine digits or no fraction; 0 where it is anything else. */
static int instant(const char *at, size_t length, int64_t *out) {
    static const int DAYS[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (length < 20 || length > 30 || at[length - 1] != 'Z') return 0;
    if (at[4] != '-' || at[7] != '-' || at[10] != 'T' || at[13] != ':' || at[16] != ':') return 0;
    int hundreds = two(at), rest = two(at + 2), month = two(at + 5), day = two(at + 8);
    int hour = two(at + 11), minute = two(at + 14), second = two(at + 17);
    if (hundreds < 0 || rest < 0 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23) return 0;
    if (minute < 0 || minute > 59 || second < 0 || second > 59) return 0;
    int64_t year = hundreds * 100 + rest;
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1 || day > DAYS[month - 1] + (month == 2 && leap)) return 0;
    int64_t micros = 0;
    if (length > 20) {
        if (at[19] != '.' || length == 21) return 0;
        int digits = 0;
        for (size_t place = 20; place < length - 1; place++) {
            if (at[place] < '0' || at[place] > '9') return 0;
            if (digits < 6) { micros = micros * 10 + at[place] - '0'; digits++; }
        }
        for (; digits < 6; digits++) micros *= 10;
    }
    int64_t y = month <= 2 ? year - 1 : year, era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    *out = ((days * 24 + hour) * 60 + minute) * 60000000 + second * (int64_t)1000000 + micros;
    return 1;
}

static int only(const char *at, size_t length, const char *allowed) {
    for (size_t place = 0; place < length; place++)
        if (!strchr(allowed, at[place])) return 0;
    return 1;
}

/* Which of its values a text is; -1 for none. */
static int which_of(const field_t *field, const char *at, size_t length) {
    const char *value = field->values;
    for (int32_t number = 0; number < field->count; number++) {
        size_t size = strlen(value);
        if (size == length && !memcmp(value, at, size)) return number;
        value += size + 1;
    }
    return -1;
}

static int is_letter(unsigned char c) { return (unsigned char)((c | 32) - 'a') < 26; }
static int is_digit(unsigned char c) { return (unsigned char)(c - '0') < 10; }

static int hinted(const cutter_t *c, const unsigned char *at, size_t length) {
    const char *hint = c->hints;
    for (int32_t n = 0; n < c->hint_count; n++) {
        size_t size = strlen(hint), same = 0;
        while (same < size && same < length && LOWER[at[same]] == (unsigned char)hint[same]) same++;
        if (same == size) return 1;
        hint += size + 1;
    }
    return 0;
}

/* Whether a text might hold a secret; one of which this says no surely holds none (`redaction.is_clean`):
 * it has no hint, nothing that may be base64 or URL-encoded, and no 24 letters and digits after a dot. */
static int doubtful(const cutter_t *c, const char *text, size_t length) {
    const unsigned char *at = (const unsigned char *)text;
    size_t run = 0, after_dot = 0;
    int small = 0, capital = 0, dot = 0;
    unsigned last = 0;
    if (length > LONGEST_OWN) return 1;
    for (size_t place = 0; place < length; place++) {
        unsigned char one = at[place];
        int letter = is_letter(one), digit = is_digit(one);
        last = (last << 8 | LOWER[one]) & 0xffffff;
        if (place >= 2) {
            unsigned hash = three(last);
            if (c->hinted[hash >> 3] >> (hash & 7) & 1 && hinted(c, at + place - 2, length - place + 2)) return 1;
        }
        if (one == '%') return 1;
        if (dot && (letter || digit)) {
            if (++after_dot >= 24) return 1;
        } else {
            dot = one == '.';
            after_dot = 0;
        }
        if (letter || digit || one == '+' || one == '/' || one == '_' || one == '-') {
            run++;
            small |= letter && one >= 'a';
            capital |= letter && one < 'a';
        } else {
            if (run >= 20 && (capital || !small)) return 1;
            run = 0;
            small = capital = 0;
        }
    }
    return run >= 20 && (capital || !small);
}

API int qw_doubtful(const cutter_t *c, const char *text, int64_t length) { return doubtful(c, text, (size_t)length); }

static int tell(cutter_t *c, int part, int32_t number, size_t row, const span_t *spans, size_t count);
static int32_t number_of(table_t *table, const char *at, size_t length, uint64_t seed);

/* Take note of a text that could hold a secret. */
static int look_at(cutter_t *c, span_t span, size_t row) {
    table_t *table = &c->tables[MOST_PARTS];
    const char *at = c->block + span.begin;
    size_t length = (size_t)(span.end - span.begin);
    if (!doubtful(c, at, length)) return 0;
    int32_t number = number_of(table, at, length, c->seed);
    if (number < 0 || add_int(&c->doubts, (int32_t)row) || add_int(&c->doubts, number)) return NO_MEMORY;
    if (table->current.at[number] != UNASSIGNED) return 0;
    table->current.at[number] = UNUSUAL; /* told once */
    return tell(c, MOST_PARTS, number, row, &span, 1);
}

/* Whether the text of a field is as it has to be; what the entry has for itself goes into the row. */
static int fits(cutter_t *c, int f, span_t span, row_t *row) {
    const field_t *field = &c->fields[f];
    const char *at = c->block + span.begin;
    size_t length = (size_t)(span.end - span.begin);
    int which;
    switch (field->kind) {
    case EXACT:
        return which_of(field, at, length) >= 0;
    case ONE_OF:
        which = which_of(field, at, length);
        row->stage = which;
        return which >= 0;
    case NAME:
        row->name = span;
        return length == 36 && only(at, length, field->values);
    case CALLED:
        row->name = span;
        return !field->count || only(at, length, field->values);
    case OWN:
        row->own[c->place_of[f]] = span;
        return 1;
    case TIME:
        return instant(at, length, &row->time);
    case MOMENT:
        return instant(at, length, &row->moments[c->place_of[f]]);
    case SAID:
        row->own[c->place_of[f]] = span;
        return only(at, length, "0123456789abcdefABCDEF-")
               || (length == 16 && only(at, length, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"));
    default:
        return 1;
    }
}

/* The end of a list of texts of ASCII, none of them empty; NULL for any other value. */
static const char *list_end(const char *at, const char *end) {
    if (at >= end || *at++ != '[') return NULL;
    if (at < end && *at == ']') return at + 1;
    for (;;) {
        int plain = 1;
        if (at >= end || *at != '"') return NULL;
        const char *after = text_end(at + 1, end, &plain);
        if (!after || !plain || after - at < 3 || after >= end) return NULL;
        if (*after == ']') return after + 1;
        if (*after != ',') return NULL;
        at = after + 1;
    }
}

/* The end of an object that is made of fields of the layout (`parent`; -1 for the entry) and of nothing else. */
static const char *object_end(cutter_t *c, int parent, const char *at, const char *end, row_t *row, span_t *spans,
                              uint64_t *seen) {
    const int32_t *within = c->within[parent + 1];
    int count = c->within_count[parent + 1], next = 0;
    if (at >= end || *at++ != '{') return NULL;
    if (at < end && *at == '}') return c->required[parent + 1] ? NULL : at + 1;
    for (;;) {
        if (at >= end || *at++ != '"') return NULL;
        const char *stop = memchr(at, '"', (size_t)(end - at));
        if (!stop || stop + 1 >= end || stop[1] != ':') return NULL;
        size_t length = (size_t)(stop - at);
        int f = -1;
        for (int tried = 0; tried < count; tried++) { /* mostly in the order of the last entry */
            int place = next + tried < count ? next + tried : next + tried - count, candidate = within[place];
            if (c->lengths[candidate] == length && !memcmp(c->fields[candidate].name, at, length)) {
                f = candidate;
                next = place + 1;
                break;
            }
        }
        if (f < 0 || *seen >> f & 1) return NULL;
        *seen |= (uint64_t)1 << f;
        at = stop + 2;
        int plain, kind = c->fields[f].kind;
        const char *after = kind == OBJECT ? object_end(c, f, at, end, row, spans, seen)
                            : kind == LIST ? list_end(at, end) : value_end(at, end, &plain);
        if (!after) return NULL;
        spans[f].begin = (int32_t)(at - c->block);
        spans[f].end = (int32_t)(after - c->block);
        if (kind == LIST) {
            row->own[c->place_of[f]] = spans[f];
        } else if (kind != RAW && kind != OBJECT) {
            if (!plain || after - at < 3) return NULL;
            if (kind != WRITTEN) {
                spans[f].begin++;
                spans[f].end--;
                if (!fits(c, f, spans[f], row)) return NULL;
            }
        }
        if (after >= end) return NULL;
        if (*after == '}') {
            at = after + 1;
            break;
        }
        if (*after != ',') return NULL;
        at = after + 1;
    }
    return (*seen & c->required[parent + 1]) == c->required[parent + 1] ? at : NULL;
}

static int scan_entry(cutter_t *c, const char *at, const char *end, row_t *row, span_t *spans) {
    uint64_t seen = 0;
    if (end - at < 2 || end[-1] != '}' || object_end(c, -1, at, end, row, spans, &seen) != end) return 0;
    for (int f = 0; f < c->field_count; f++)
        if (!(seen >> f & 1)) spans[f].begin = spans[f].end = 0;
    return 1;
}

/* Look for secrets in what an entry has for itself. */
static int look_through(cutter_t *c, size_t at, const span_t *spans) {
    for (int f = 0; f < c->field_count; f++) {
        int kind = c->fields[f].kind;
        if (spans[f].end == spans[f].begin) continue;
        if ((kind == OWN || kind == CALLED) && look_at(c, spans[f], at)) return NO_MEMORY;
        if (kind != LIST) continue;
        for (span_t item = { spans[f].begin + 2, 0 }; item.begin < spans[f].end; item.begin = item.end + 3) {
            const char *begin = c->block + item.begin; /* `["a","b"]`: no text in it has a quote */
            item.end = (int32_t)((const char *)memchr(begin, '"', (size_t)(spans[f].end - item.begin)) - c->block);
            if (look_at(c, item, at)) return NO_MEMORY;
        }
    }
    return 0;
}

/* ---- the different texts of parts -------------------------------------------------------------------------------- */

static int widen(table_t *table) {
    size_t width = table->width ? table->width * 2 : 1024;
    uint64_t *hashes = malloc(width * sizeof *hashes);
    int32_t *slots = calloc(width, sizeof *slots);
    if (!hashes || !slots) { free(hashes); free(slots); return NO_MEMORY; }
    for (size_t old = 0; old < table->width; old++) {
        if (!table->slots[old]) continue;
        size_t slot = table->hashes[old] & (width - 1);
        while (slots[slot]) slot = (slot + 1) & (width - 1);
        slots[slot] = table->slots[old];
        hashes[slot] = table->hashes[old];
    }
    free(table->hashes);
    free(table->slots);
    table->hashes = hashes;
    table->slots = slots;
    table->width = width;
    return 0;
}

/* The number of a text, a new one if it was not met before; negative without memory. */
static int32_t number_of(table_t *table, const char *at, size_t length, uint64_t seed) {
    if ((table->current.used + 1) * 2 > table->width && widen(table)) return NO_MEMORY;
    uint64_t hash = hashed(at, length, seed);
    size_t slot = hash & (table->width - 1);
    for (; table->slots[slot]; slot = (slot + 1) & (table->width - 1)) {
        if (table->hashes[slot] != hash) continue;
        int32_t number = table->slots[slot] - 1;
        int64_t begin = table->begins.at[number];
        if ((size_t)(table->begins.at[number + 1] - begin) == length && !memcmp(table->text.at + begin, at, length))
            return number;
    }
    int32_t number = (int32_t)table->current.used;
    if (!table->begins.used && add_long(&table->begins, 0)) return NO_MEMORY;
    if (add_bytes(&table->text, at, length) || add_long(&table->begins, (int64_t)table->text.used)) return NO_MEMORY;
    if (add_int(&table->current, UNASSIGNED) || add_bytes(&table->made, "", 1)) return NO_MEMORY;
    table->hashes[slot] = hash;
    table->slots[slot] = number + 1;
    return number;
}

/* Have a text be read that was not met before: of a part, or (its only span) one that could hold a secret. */
static int tell(cutter_t *c, int part, int32_t number, size_t row, const span_t *spans, size_t count) {
    size_t width = (size_t)c->field_count;
    if (more((void **)&c->fresh, &c->fresh_room, c->fresh_count + 1, sizeof *c->fresh)) return NO_MEMORY;
    if (more((void **)&c->spans, &c->span_room, (c->fresh_count + 1) * width, sizeof *c->spans)) return NO_MEMORY;
    c->fresh[c->fresh_count] = (fresh_t){ part, number, (int32_t)row };
    memcpy(c->spans + c->fresh_count * width, spans, count * sizeof *spans);
    c->fresh_count++;
    return 0;
}

static int number_parts(cutter_t *c, row_t *row, size_t at, const span_t *spans) {
    for (int p = 0; p < c->part_count; p++) {
        c->key.used = 0;
        for (int m = 0; m < c->parts[p].count; m++) {
            int f = c->parts[p].fields[m], unless = c->parts[p].unless[m];
            span_t span = spans[f];
            if (unless >= 0 && spans[unless].end > spans[unless].begin) span.end = span.begin;
            int32_t length = span.end - span.begin;
            if (add_bytes(&c->key, (const char *)&length, sizeof length)) return NO_MEMORY;
            if (add_bytes(&c->key, c->block + span.begin, (size_t)length)) return NO_MEMORY;
        }
        int32_t number = number_of(&c->tables[p], c->key.at, c->key.used, c->seed);
        if (number < 0) return NO_MEMORY;
        row->parts[p] = number;
        if (c->tables[p].current.at[number] != UNASSIGNED) continue;
        c->tables[p].current.at[number] = UNUSUAL; /* told once; assigned before the rows are taken */
        if (tell(c, p, number, at, spans, (size_t)c->field_count)) return NO_MEMORY;
    }
    return 0;
}

/* ---- many entries ------------------------------------------------------------------------------------------------ */

static int scan_all(cutter_t *c) {
    span_t spans[MOST_FIELDS];
    if (more((void **)&c->rows, &c->row_room, c->begins.used, sizeof *c->rows)) return NO_MEMORY;
    c->row_count = c->begins.used;
    c->fresh_count = c->doubts.used = 0;
    for (size_t at = 0; at < c->row_count; at++) {
        row_t *row = &c->rows[at];
        memset(row, 0, sizeof *row);
        for (int m = 0; m < c->moment_count; m++) row->moments[m] = NO_MOMENT;
        row->ordinary = scan_entry(c, c->block + c->begins.at[at], c->block + c->ends.at[at], row, spans);
        if (row->ordinary && (number_parts(c, row, at, spans) || look_through(c, at, spans))) return NO_MEMORY;
    }
    return (int)c->fresh_count;
}

/* Look at the lines of a block; returns how many texts of parts must be read (`qw_fresh`), then `qw_take`. */
API int qw_scan_lines(cutter_t *c, const char *block, int64_t length, int64_t offset, int64_t line, int32_t place) {
    c->block = block;
    c->place = place;
    c->begins.used = c->ends.used = c->offsets.used = c->lines.used = 0;
    for (int64_t at = 0; at <= length;) {
        const char *stop = at < length ? memchr(block + at, '\n', (size_t)(length - at)) : NULL;
        int64_t end = stop ? stop - block : length;
        if (add_long(&c->begins, at) || add_long(&c->ends, end)) return NO_MEMORY;
        if (add_long(&c->offsets, offset + at) || add_long(&c->lines, line++)) return NO_MEMORY;
        at = end + 1;
    }
    return scan_all(c);
}

/* How many lines end in a block: Python 3.11 looks at one byte after the other. */
API int64_t qw_newlines(const char *block, int64_t begin, int64_t end) {
    int64_t count = 0;
    while (begin < end) { /* sums of 32 bits can be worked out many at a time */
        int64_t until = end - begin > INT32_MAX ? begin + INT32_MAX : end;
        uint32_t some = 0;
        for (; begin < until; begin++) some += block[begin] == '\n';
        count += some;
    }
    return count;
}

/* As `qw_scan_lines`, for entries that lie one after the other in a block, `ends` of each. */
API int qw_scan_entries(cutter_t *c, const char *block, const int64_t *ends, const int64_t *offsets,
                        const int64_t *lines, int64_t count, int32_t place) {
    c->block = block;
    c->place = place;
    c->begins.used = c->ends.used = c->offsets.used = c->lines.used = 0;
    for (int64_t at = 0; at < count; at++) {
        if (add_long(&c->begins, at ? ends[at - 1] : 0) || add_long(&c->ends, ends[at])) return NO_MEMORY;
        if (add_long(&c->offsets, offsets[at]) || add_long(&c->lines, lines[at])) return NO_MEMORY;
    }
    return scan_all(c);
}

API const fresh_t *qw_fresh(const cutter_t *c) { return c->fresh; }
API const span_t *qw_fresh_spans(const cutter_t *c) { return c->spans; }

API void qw_assign(cutter_t *c, int32_t part, int32_t number, int32_t current, int32_t made) {
    c->tables[part].current.at[number] = current;
    c->tables[part].made.at[number] = (char)made;
}

/* Of the stages of one request only the last is kept of those that are looked at together. */
static int last_stages(cutter_t *c) {
    size_t width = 1024;
    while (width < c->row_count * 2) width *= 2;
    if (more((void **)&c->stage_slots, &c->stage_room, width, sizeof *c->stage_slots)) return NO_MEMORY;
    memset(c->stage_slots, 0xff, width * sizeof *c->stage_slots);
    for (size_t at = 0; at < c->row_count; at++) {
        row_t *row = &c->rows[at];
        if (!row->ordinary || !row->stage) continue;
        const char *name = c->block + row->name.begin;
        size_t length = (size_t)(row->name.end - row->name.begin);
        size_t slot = hashed(name, length, c->seed) & (width - 1);
        for (; c->stage_slots[slot] >= 0; slot = (slot + 1) & (width - 1)) {
            span_t other = c->rows[c->stage_slots[slot]].name;
            if ((size_t)(other.end - other.begin) == length && !memcmp(c->block + other.begin, name, length)) break;
        }
        int32_t before = c->stage_slots[slot];
        if (before < 0 || row->stage > c->rows[before].stage) {
            if (before >= 0) c->rows[before].ordinary |= 2;
            c->stage_slots[slot] = (int32_t)at;
        } else if (row->stage < c->rows[before].stage) {
            row->ordinary |= 2; /* no action of it is kept */
        }
    }
    return 0;
}

static int add_row(cutter_t *c, size_t at, int acts, int decides) {
    rows_t *to = &c->waiting;
    const row_t *row = &c->rows[at];
    unsigned char digest[32];
    const char *entry = c->block + c->begins.at[at];
    if (!digested(c, entry, (size_t)(c->ends.at[at] - c->begins.at[at]), digest)) return NO_MEMORY;
    int32_t has = 0;
    for (int s = 0; s < c->own_count; s++) {
        span_t own = row->own[s];
        if (s < c->said_count && own.end > own.begin) has |= 1 << s;
        if (add_bytes(&to->own[s], c->block + own.begin, (size_t)(own.end - own.begin))) return NO_MEMORY;
        if (add_long(&to->own_ends[s], (int64_t)to->own[s].used)) return NO_MEMORY;
    }
    for (int m = 0; m < c->moment_count; m++)
        if (add_long(&to->moments[m], row->moments[m])) return NO_MEMORY;
    for (int p = 0; p < c->part_count; p++)
        if (add_int(&to->parts[p], c->tables[p].current.at[row->parts[p]])) return NO_MEMORY;
    return add_bytes(&to->names, c->block + row->name.begin, (size_t)(row->name.end - row->name.begin))
           || add_long(&to->name_ends, (int64_t)to->names.used) || add_long(&to->times, row->time)
           || add_long(&to->offsets, c->offsets.at[at]) || add_long(&to->lines, c->lines.at[at])
           || add_int(&to->stages, row->stage) || add_int(&to->places, c->place) || add_int(&to->has, has)
           || add_int(&to->acts, acts) || add_int(&to->decides, decides) || add_bytes(&to->digests, (char *)digest, 32);
}

/* Take what is ordinary of what was looked at; returns how many entries are left (`qw_left`). */
API int qw_take(cutter_t *c) {
    c->left.used = 0;
    for (size_t doubt = 0; doubt < c->doubts.used; doubt += 2)
        if (c->tables[MOST_PARTS].current.at[c->doubts.at[doubt + 1]] < 0) c->rows[c->doubts.at[doubt]].ordinary = 0;
    for (size_t at = 0; at < c->row_count; at++) {
        row_t *row = &c->rows[at];
        for (int p = 0; row->ordinary && p < c->part_count; p++)
            if (c->tables[p].current.at[row->parts[p]] < 0) row->ordinary = 0;
        if (!row->ordinary && add_int(&c->left, (int32_t)at)) return NO_MEMORY;
    }
    if (c->stage_field >= 0 && last_stages(c)) return NO_MEMORY;
    for (size_t at = 0; at < c->row_count; at++) {
        row_t *row = &c->rows[at];
        if (!row->ordinary) continue;
        int acts = c->acts && row->ordinary == 1, decides = 1;
        for (int p = 0; p < c->part_count; p++) decides &= c->tables[p].made.at[row->parts[p]];
        if ((acts || decides) && add_row(c, at, acts, decides)) return NO_MEMORY;
    }
    return (int)c->left.used;
}

API const int32_t *qw_left(const cutter_t *c) { return c->left.at; }
API int64_t qw_entries(const cutter_t *c) { return (int64_t)c->row_count; }
API int64_t qw_begin(const cutter_t *c, int32_t at) { return c->begins.at[at]; }
API int64_t qw_end(const cutter_t *c, int32_t at) { return c->ends.at[at]; }
API int64_t qw_waiting(const cutter_t *c) { return (int64_t)c->waiting.times.used; }
API int64_t qw_known(const cutter_t *c, int32_t part) { return (int64_t)c->tables[part].current.used; }

/* Forget a part's texts (all are new then); the rows that wait must have been written. */
API void qw_forget(cutter_t *c, int32_t part) {
    table_t *table = &c->tables[part];
    if (table->width) memset(table->slots, 0, table->width * sizeof *table->slots);
    table->text.used = table->begins.used = table->current.used = table->made.used = 0;
}

static void emptied(rows_t *rows) {
    rows->times.used = rows->lines.used = rows->offsets.used = rows->stages.used = rows->places.used = 0;
    rows->acts.used = rows->decides.used = rows->has.used = rows->names.used = rows->digests.used = 0;
    rows->name_ends.used = 0;
    for (int p = 0; p < MOST_PARTS; p++) rows->parts[p].used = 0;
    for (int s = 0; s < MOST_OWN; s++) rows->own[s].used = rows->own_ends[s].used = 0;
    for (int m = 0; m < MOST_MOMENTS; m++) rows->moments[m].used = 0;
}

/* No rows wait any more; all texts have to be assigned anew. */
API void qw_begin_anew(cutter_t *c) {
    emptied(&c->waiting);
    for (int p = 0; p <= MOST_PARTS; p++)
        for (size_t at = 0; at < c->tables[p].current.used; at++) c->tables[p].current.at[at] = UNASSIGNED;
}

/* ---- columns ----------------------------------------------------------------------------------------------------- */

static int add_span(bytes_t *to, longs_t *to_ends, const bytes_t *from, const longs_t *ends, size_t at) {
    int64_t begin = at ? ends->at[at - 1] : 0;
    return add_bytes(to, from->at + begin, (size_t)(ends->at[at] - begin)) || add_long(to_ends, (int64_t)to->used);
}

/* Choose the rows of which there is an action (0) or a fact (1); returns how many. */
API int64_t qw_choose(cutter_t *c, int32_t which) {
    const rows_t *from = &c->waiting;
    rows_t *to = &c->chosen[which];
    const int32_t *wanted = which ? from->decides.at : from->acts.at;
    emptied(to);
    size_t all = 0;
    while (all < from->times.used && wanted[all]) all++;
    c->view[which] = all == from->times.used ? from : to;
    if (all == from->times.used) return (int64_t)all;
    for (size_t at = 0; at < from->times.used; at++) {
        if (!wanted[at]) continue;
        if (add_long(&to->times, from->times.at[at]) || add_long(&to->lines, from->lines.at[at])) return NO_MEMORY;
        if (add_long(&to->offsets, from->offsets.at[at]) || add_int(&to->stages, from->stages.at[at])) return NO_MEMORY;
        if (add_int(&to->places, from->places.at[at]) || add_int(&to->has, from->has.at[at])) return NO_MEMORY;
        if (add_int(&to->decides, from->decides.at[at])) return NO_MEMORY;
        if (add_bytes(&to->digests, from->digests.at + at * 32, 32)) return NO_MEMORY;
        if (add_span(&to->names, &to->name_ends, &from->names, &from->name_ends, at)) return NO_MEMORY;
        for (int s = 0; s < c->own_count; s++)
            if (add_span(&to->own[s], &to->own_ends[s], &from->own[s], &from->own_ends[s], at)) return NO_MEMORY;
        for (int m = 0; m < c->moment_count; m++)
            if (add_long(&to->moments[m], from->moments[m].at[at])) return NO_MEMORY;
        for (int p = 0; p < c->part_count; p++)
            if (add_int(&to->parts[p], from->parts[p].at[at])) return NO_MEMORY;
    }
    return (int64_t)to->times.used;
}

/* Number the different combinations of parts (each by `kinds` of its numbers, if given) and, where `own`, of which
 * fields an entry has for itself. `rows` receives a row of each; returns how many. The numbers stay here. */
API int64_t qw_unite(cutter_t *c, int32_t which, const int32_t *parts, const int32_t *const *kinds, int32_t count,
                     int32_t own, int64_t *rows) {
    const rows_t *from = c->view[which];
    size_t size = from->times.used, width = 1024;
    int32_t key[MOST_PARTS + 1];
    int64_t found = 0;
    while (width < size * 2) width *= 2;
    int32_t *slots = calloc(width, sizeof *slots);
    int32_t *keys = malloc((size + 1) * sizeof key);
    c->unions.used = 0;
    for (size_t at = 0; slots && keys && at < size; at++) {
        memset(key, 0, sizeof key);
        for (int n = 0; n < count; n++) {
            int32_t number = from->parts[parts[n]].at[at];
            key[n] = kinds[n] ? kinds[n][number] : number;
        }
        if (own) key[count] = from->has.at[at];
        size_t slot = hashed((const char *)key, sizeof key, c->seed) & (width - 1);
        while (slots[slot] && memcmp(keys + (slots[slot] - 1) * (MOST_PARTS + 1), key, sizeof key))
            slot = (slot + 1) & (width - 1);
        if (!slots[slot]) {
            memcpy(keys + found * (MOST_PARTS + 1), key, sizeof key);
            rows[found++] = (int64_t)at;
            slots[slot] = (int32_t)found;
        }
        if (add_int(&c->unions, slots[slot] - 1)) { found = NO_MEMORY; break; }
    }
    if (!slots || !keys) found = NO_MEMORY;
    free(slots);
    free(keys);
    return found;
}

API int32_t qw_part_at(const cutter_t *c, int32_t which, int32_t part, int64_t row) {
    return c->view[which]->parts[part].at[row];
}
API int32_t qw_has_at(const cutter_t *c, int32_t which, int64_t row) { return c->view[which]->has.at[row]; }

/* ---- Arrow's C data interface ------------------------------------------------------------------------------------ */

typedef struct arrow_schema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct arrow_schema **children, *dictionary;
    void (*release)(struct arrow_schema *);
    void *private_data;
} arrow_schema_t;

typedef struct arrow_array {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct arrow_array **children, *dictionary;
    void (*release)(struct arrow_array *);
    void *private_data;
} arrow_array_t;

static void release_schema(arrow_schema_t *schema) { schema->release = NULL; }
static void release_array(arrow_array_t *array) {
    for (int64_t buffer = 0; buffer < array->n_buffers; buffer++) free((void *)array->buffers[buffer]);
    free(array->buffers);
    array->release = NULL;
}

/* Hands over `buffers`, which `release_array` frees, also where this fails. */
static int export(const char *format, int64_t length, int64_t nulls, int buffers, void *first, void *second,
                  void *third, arrow_array_t *array, arrow_schema_t *schema) {
    const void **kept = malloc(3 * sizeof *kept);
    if (!kept) { free(first); free(second); free(third); return NO_MEMORY; }
    kept[0] = first;
    kept[1] = second;
    kept[2] = third;
    *array = (arrow_array_t){ length, nulls, 0, buffers, 0, kept, NULL, NULL, release_array, NULL };
    *schema = (arrow_schema_t){ format, "", NULL, 2, 0, NULL, NULL, release_schema, NULL };
    return 0;
}

/* The whole numbers from `first` on, one for each row. */
API int qw_range(const cutter_t *c, int32_t which, int64_t first, arrow_array_t *array, arrow_schema_t *schema) {
    size_t count = c->view[which]->times.used;
    int64_t *numbers = malloc(count * 8 + 8);
    if (!numbers) return NO_MEMORY;
    for (size_t at = 0; at < count; at++) numbers[at] = first + (int64_t)at;
    return export("l", (int64_t)count, 0, 2, NULL, numbers, NULL, array, schema);
}

enum { TIMES, LINES, OFFSETS, STAGES, PLACES, UNIONS, PARTS };

/* A column of whole numbers: 64 bits (times, lines, offsets), 8 (stages) or 32 (the rest). */
API int qw_numbers(const cutter_t *c, int32_t which, int32_t column, arrow_array_t *array, arrow_schema_t *schema) {
    const rows_t *from = c->view[which];
    size_t count = from->times.used;
    if (column <= OFFSETS) {
        const longs_t *longs = column == TIMES ? &from->times : column == LINES ? &from->lines : &from->offsets;
        void *copy = malloc(count * 8 + 8);
        if (!copy) return NO_MEMORY;
        if (count) memcpy(copy, longs->at, count * 8);
        return export("l", (int64_t)count, 0, 2, NULL, copy, NULL, array, schema);
    }
    const ints_t *ints = column == STAGES ? &from->stages : column == PLACES ? &from->places
                         : column == UNIONS ? &c->unions : &from->parts[column - PARTS];
    if (column == STAGES) {
        int8_t *copy = malloc(count + 8);
        if (!copy) return NO_MEMORY;
        for (size_t at = 0; at < count; at++) copy[at] = (int8_t)ints->at[at];
        return export("c", (int64_t)count, 0, 2, NULL, copy, NULL, array, schema);
    }
    void *copy = malloc(count * 4 + 4);
    if (!copy) return NO_MEMORY;
    if (count) memcpy(copy, ints->at, count * 4);
    return export("i", (int64_t)count, 0, 2, NULL, copy, NULL, array, schema);
}

enum { CONSTANT, BY_PART, BY_UNION, OWN_NAME, OWN_TEXT, OWN_TIME, OWN_DIGEST, OWN_LIST, OWN_MOMENT };

typedef struct {
    int32_t kind, number;    /* the part, or which of the texts that an entry has for itself */
    const char *text;        /* of a constant, or all of the texts by number, or what stands for an absent one */
    const int64_t *ends;     /* of each text */
} piece_t;

static const char HEX[] = "0123456789abcdef";

static int add_hex(bytes_t *to, const unsigned char *digest) {
    char hex[64];
    for (int at = 0; at < 32; at++) {
        hex[2 * at] = HEX[digest[at] >> 4];
        hex[2 * at + 1] = HEX[digest[at] & 15];
    }
    return add_bytes(to, hex, 64);
}

static int add_decimal(bytes_t *to, int64_t value) {
    char digits[24];
    int at = 24;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do digits[--at] = (char)('0' + left % 10); while (left /= 10);
    if (value < 0) digits[--at] = '-';
    return add_bytes(to, digits + at, (size_t)(24 - at));
}

static int add_own(const rows_t *from, int32_t number, size_t at, bytes_t *to) {
    int64_t begin = at ? from->own_ends[number].at[at - 1] : 0;
    return add_bytes(to, from->own[number].at + begin, (size_t)(from->own_ends[number].at[at] - begin));
}

static int add_piece(const cutter_t *c, const rows_t *from, const piece_t *piece, size_t at, bytes_t *to) {
    int64_t begin, number;
    switch (piece->kind) {
    case CONSTANT:
        return add_bytes(to, piece->text, (size_t)piece->ends[0]);
    case BY_PART:
    case BY_UNION:
        number = piece->kind == BY_PART ? from->parts[piece->number].at[at] : c->unions.at[at];
        begin = number ? piece->ends[number - 1] : 0;
        return add_bytes(to, piece->text + begin, (size_t)(piece->ends[number] - begin));
    case OWN_NAME:
        begin = at ? from->name_ends.at[at - 1] : 0;
        return add_bytes(to, from->names.at + begin, (size_t)(from->name_ends.at[at] - begin));
    case OWN_TEXT:
        return add_own(from, piece->number, at, to);
    case OWN_LIST:
        begin = at ? from->own_ends[piece->number].at[at - 1] : 0;
        if (from->own_ends[piece->number].at[at] > begin) return add_own(from, piece->number, at, to);
        return add_bytes(to, piece->text, (size_t)piece->ends[0]);
    case OWN_MOMENT:
        number = from->moments[piece->number].at[at];
        return number != NO_MOMENT ? add_decimal(to, number) : add_bytes(to, piece->text, (size_t)piece->ends[0]);
    case OWN_TIME:
        return add_decimal(to, from->times.at[at]);
    default:
        return add_hex(to, (const unsigned char *)from->digests.at + at * 32);
    }
}

/* Texts made of pieces, a row each, or (`to_digest`) their SHA-256 in hexadecimal. Empty ones are null if `or_null`. */
API int qw_texts(cutter_t *c, int32_t which, const piece_t *pieces, int32_t count, int32_t to_digest, int32_t or_null,
                 arrow_array_t *array, arrow_schema_t *schema) {
    const rows_t *from = c->view[which];
    size_t rows = from->times.used;
    bytes_t out = { 0 }, whole = { 0 };
    int32_t *ends = malloc((rows + 1) * sizeof *ends);
    unsigned char *valid = or_null ? calloc(rows / 8 + 1, 1) : NULL;
    int64_t nulls = 0;
    int failed = !ends || (or_null && !valid) || more((void **)&out.at, &out.room, 1, 1);
    if (!failed) ends[0] = 0;
    for (size_t at = 0; !failed && at < rows; at++) {
        bytes_t *to = to_digest ? &whole : &out;
        size_t before = out.used;
        whole.used = 0;
        for (int p = 0; p < count && !failed; p++) failed = add_piece(c, from, &pieces[p], at, to);
        if (!failed && to_digest) {
            unsigned char digest[32];
            failed = !digested(c, whole.at, whole.used, digest) || add_hex(&out, digest);
        }
        if (out.used > INT32_MAX) failed = NO_MEMORY;
        ends[at + 1] = (int32_t)out.used;
        if (or_null && out.used > before) valid[at / 8] |= (unsigned char)(1 << at % 8);
        else if (or_null) nulls++;
    }
    free(whole.at);
    if (failed) { free(out.at); free(ends); free(valid); return NO_MEMORY; }
    return export("u", (int64_t)rows, nulls, 3, valid, ends, out.at, array, schema);
}

/* Hands over the buffers of lists of texts, or frees them where something failed. */
static int export_lists(int failed, int64_t rows, bytes_t *out, ints_t *of_texts, ints_t *of_lists,
                        arrow_array_t *offsets, arrow_schema_t *offsets_schema, arrow_array_t *array,
                        arrow_schema_t *schema) {
    if (failed) { free(out->at); free(of_texts->at); free(of_lists->at); return NO_MEMORY; }
    int64_t length = (int64_t)of_texts->used - 1;
    if (export("i", rows + 1, 0, 2, NULL, of_lists->at, NULL, offsets, offsets_schema)) {
        free(out->at);
        free(of_texts->at);
        return NO_MEMORY;
    }
    return export("u", length, 0, 3, NULL, of_texts->at, out->at, array, schema);
}

static int add_key(const cutter_t *c, const rows_t *from, const piece_t *own, int32_t own_count, size_t at,
                   bytes_t *out, ints_t *of_texts) {
    if (!from->decides.at[at]) return 0;
    for (int32_t p = 0; p < own_count; p++)
        if (add_piece(c, from, &own[p], at, out)) return NO_MEMORY;
    return out->used > INT32_MAX || add_int(of_texts, (int32_t)out->used);
}

/* Lists of texts: the fact of the entry itself (`own`: what its id is made of) where there is one, before or after
 * those that parts give: `texts` of `parts` by number, `ends` of the texts and `groups` where the texts of each number end. */
API int qw_lists(const cutter_t *c, int32_t which, const piece_t *own, int32_t own_count, int32_t own_last,
                 const int32_t *parts,
                 const char *const *texts, const int64_t *const *ends, const int64_t *const *groups, int32_t count,
                 arrow_array_t *offsets, arrow_schema_t *offsets_schema, arrow_array_t *array,
                 arrow_schema_t *schema) {
    const rows_t *from = c->view[which];
    size_t rows = from->times.used;
    bytes_t out = { 0 };
    ints_t of_texts = { 0 }, of_lists = { 0 };
    int failed = more((void **)&out.at, &out.room, 1, 1) || add_int(&of_texts, 0) || add_int(&of_lists, 0);
    for (size_t at = 0; !failed && at < rows; at++) {
        if (!own_last) failed = add_key(c, from, own, own_count, at, &out, &of_texts);
        for (int n = 0; n < count && !failed; n++) {
            int32_t number = from->parts[parts[n]].at[at];
            for (int64_t text = number ? groups[n][number - 1] : 0; text < groups[n][number] && !failed; text++) {
                int64_t begin = text ? ends[n][text - 1] : 0;
                failed = add_bytes(&out, texts[n] + begin, (size_t)(ends[n][text] - begin))
                         || add_int(&of_texts, (int32_t)out.used);
            }
        }
        if (own_last && !failed) failed = add_key(c, from, own, own_count, at, &out, &of_texts);
        if (out.used > INT32_MAX) failed = NO_MEMORY;
        failed = failed || add_int(&of_lists, (int32_t)of_texts.used - 1);
    }
    return export_lists(failed, (int64_t)rows, &out, &of_texts, &of_lists, offsets, offsets_schema, array, schema);
}

/* The items of a list that is written as `list_end` has it. */
static int add_items(const char *at, const char *end, bytes_t *out, ints_t *of_texts) {
    for (const char *item = at + 2; item < end;) {
        const char *stop = memchr(item, '"', (size_t)(end - item));
        if (add_bytes(out, item, (size_t)(stop - item)) || out->used > INT32_MAX) return NO_MEMORY;
        if (add_int(of_texts, (int32_t)out->used)) return NO_MEMORY;
        item = stop + 3;
    }
    return 0;
}

/* Lists of texts that entries have for themselves; what is absent is empty. */
API int qw_own_lists(const cutter_t *c, int32_t which, int32_t number, arrow_array_t *offsets,
                     arrow_schema_t *offsets_schema, arrow_array_t *array, arrow_schema_t *schema) {
    const rows_t *from = c->view[which];
    size_t rows = from->times.used;
    bytes_t out = { 0 };
    ints_t of_texts = { 0 }, of_lists = { 0 };
    int failed = more((void **)&out.at, &out.room, 1, 1) || add_int(&of_texts, 0) || add_int(&of_lists, 0);
    for (size_t at = 0; !failed && at < rows; at++) {
        int64_t begin = at ? from->own_ends[number].at[at - 1] : 0, end = from->own_ends[number].at[at];
        failed = (end > begin && add_items(from->own[number].at + begin, from->own[number].at + end, &out, &of_texts))
                 || add_int(&of_lists, (int32_t)of_texts.used - 1);
    }
    return export_lists(failed, (int64_t)rows, &out, &of_texts, &of_lists, offsets, offsets_schema, array, schema);
}

/* Whether entries have a list for themselves, as a column of 8 bits. */
API int qw_has_lists(const cutter_t *c, int32_t which, int32_t number, arrow_array_t *array, arrow_schema_t *schema) {
    const rows_t *from = c->view[which];
    size_t rows = from->times.used;
    int8_t *has = malloc(rows + 8);
    if (!has) return NO_MEMORY;
    for (size_t at = 0; at < rows; at++)
        has[at] = from->own_ends[number].at[at] > (at ? from->own_ends[number].at[at - 1] : 0);
    return export("c", (int64_t)rows, 0, 2, NULL, has, NULL, array, schema);
}

/* Moments that entries have for themselves, null where they have none. */
API int qw_moments(const cutter_t *c, int32_t which, int32_t number, arrow_array_t *array, arrow_schema_t *schema) {
    const rows_t *from = c->view[which];
    size_t rows = from->times.used;
    int64_t nulls = 0, *copy = malloc(rows * 8 + 8);
    unsigned char *valid = calloc(rows / 8 + 1, 1);
    if (!copy || !valid) { free(copy); free(valid); return NO_MEMORY; }
    for (size_t at = 0; at < rows; at++) {
        int64_t moment = from->moments[number].at[at];
        copy[at] = moment == NO_MOMENT ? 0 : moment;
        if (moment == NO_MOMENT) nulls++;
        else valid[at / 8] |= (unsigned char)(1 << at % 8);
    }
    return export("l", (int64_t)rows, nulls, 2, valid, copy, NULL, array, schema);
}
