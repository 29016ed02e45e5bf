// What a page says and what is wrong with it, as far as a program can tell. An expression
// that returns an object with two functions: page(width) for all of the page, focus()
// for what has the focus.
(() => {
  const controls = "a[href], button, input:not([type=hidden]), select, textarea";
  const name = e => {
    const labels = [...(e.labels || [])].map(l => l.innerText.trim());
    return e.getAttribute("aria-label") || labels.join(" ") || e.innerText.trim();
  };
  const visible = e => e.getClientRects().length > 0 && getComputedStyle(e).visibility === "visible";

  // Colors are [red, green, blue, alpha]; what cannot be read is null.
  const color = text => {
    const m = /^rgba?\((\d+), (\d+), (\d+)(?:, ([\d.]+))?\)$/.exec(text);
    return m && [+m[1], +m[2], +m[3], m[4] === undefined ? 1 : +m[4]];
  };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const background = e => {
    const layers = [];
    for (; e; e = e.parentElement) {
      const s = getComputedStyle(e), c = color(s.backgroundColor);
      if (!c || s.backgroundImage !== "none" || s.opacity !== "1") return null;
      layers.unshift(c);
    }
    return layers.reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const luminance = c => {
    const [r, g, b] = c.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (text, below) => {
    const c = color(text);
    if (!c || !below) return 0;
    const [a, b] = [luminance(over(c, below)), luminance(below)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const atLeast = (want, got, what) => got >= want ? [] : [`contrast ${got.toFixed(2)} of ${what}, not ${want}`];
  const text = e => atLeast(4.5, contrast(getComputedStyle(e).color, background(e)), `the text of ${describe(e)}`);
  const describe = e => `<${e.localName}${e.id && " id=" + e.id}> ${JSON.stringify(name(e).slice(0, 30))}`;

  const page = width => {
    const bad = [], root = document.documentElement;
    const all = s => [...document.querySelectorAll(s)];
    const seen = all(controls).filter(visible);
    const alert = document.querySelector("[role=alert]");
    const is = (ok, what) => ok || bad.push(what);
    is(document.doctype && document.compatMode === "CSS1Compat", "no doctype");
    is(document.title, "no title");
    is(root.lang === "en", "no language");
    is(all("h1").length === 1 && all("h1").every(visible), "not one h1");
    is(all("main").length === 1, "not one main");
    is(all("meta[name=viewport]").length === 1, "no viewport");
    is(root.scrollWidth <= width && innerWidth === width, `${root.scrollWidth} of ${innerWidth} pixels wide, not ${width}`);
    const ids = all("[id]").map(e => e.id);
    is(new Set(ids).size === ids.length, "an ID twice");
    is(all("[role=alert]").length < 2 && (!alert || visible(alert) && alert.innerText.trim()), "not one alert");
    for (const e of seen) {
      is(name(e), `${describe(e)} has no name`);
      const { height, left, right } = e.getBoundingClientRect();
      is(height >= 44 || e.matches("p > a"), `${describe(e)} is ${height} pixels high`);
      is(left >= 0 && right <= width, `${describe(e)} is outside`);
    }
    for (const e of seen.filter(e => e.localName === "input")) {
      const complete = e.type === "password" ? ["current-password"] : ["username", "one-time-code"];
      is(complete.includes(e.autocomplete), `${describe(e)} has autocomplete ${JSON.stringify(e.autocomplete)}`);
      is(e.required, `${describe(e)} is not required`);
      const told = !alert || e.getAttribute("aria-describedby") === alert.id && e.getAttribute("aria-invalid") === "true";
      is(told, `${describe(e)} is not described by the alert`);
      const s = getComputedStyle(e);
      bad.push(...text(e), ...atLeast(3, contrast(s.borderTopColor, background(e.parentElement)), `the border of ${describe(e)}`));
    }
    const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let n; n = nodes.nextNode();) {
      const e = n.parentElement;
      if (n.data.trim() && visible(e)) bad.push(...text(e));
    }
    const data = document.querySelector("[data-code]");
    return {
      title: document.title, heading: all("h1").map(e => e.innerText).join(" | "), alert: alert ? alert.innerText : "",
      code: data ? data.dataset.code : "", text: document.body.innerText, controls: seen.map(describe),
      facts: Object.fromEntries(all("dd[id]").map(e => [e.id, e.innerText])),
      values: Object.fromEntries(seen.filter(e => e.localName === "input").map(e => [name(e), e.value])), problems: bad,
    };
  };

  const focus = () => {
    const e = document.activeElement;
    if (!e || e === document.body) return { control: "", problems: [] };
    const s = getComputedStyle(e), bad = text(e);
    if (s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2) bad.push(`${describe(e)} does not show the focus`);
    bad.push(...atLeast(3, contrast(s.outlineColor, background(e.parentElement)), `the focus of ${describe(e)}`));
    const { top, bottom } = e.getBoundingClientRect();
    if (top < 0 || bottom > innerHeight) bad.push(`${describe(e)} has the focus and is out of sight`);
    return { control: describe(e), name: name(e), problems: bad };
  };

  // The middle of what can be clicked to reach the control with this name: of its label, if it has one.
  const place = wanted => {
    const e = [...document.querySelectorAll(controls)].filter(visible).find(e => name(e) === wanted);
    if (!e) return null;
    const target = e.labels && e.labels[0] || e;
    target.scrollIntoView({ block: "center", behavior: "instant" });
    const { left, top, height } = target.getBoundingClientRect();
    return { x: left + 10, y: top + height / 2 };
  };
  return { page, focus, place };
})()
