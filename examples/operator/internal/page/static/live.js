// Keeps what is live of a page fresh. Whatever it does can be had by loading the page
// again.
(() => {
  "use strict";
  const stale = document.getElementById("stale");
  const tell = (text) => {
    stale.firstElementChild.textContent = text;
    stale.hidden = false;
  };

  // replace gives a part its new content, and leaves the focus where it was.
  const replace = (part, html) => {
    const next = document.createElement("template");
    next.innerHTML = html;
    if (part.dataset.last === html || (!part.dataset.last && part.innerHTML === next.innerHTML)) return;
    part.dataset.last = html;
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    const id = focused && focused.id;
    const href = focused && focused.getAttribute("href");
    part.replaceChildren(next.content);
    if (!focused) return;
    const again = [...part.querySelectorAll("a, button, summary, [tabindex]")].find(
      (e) => (id && e.id === id) || (href && e.getAttribute("href") === href));
    if (again) again.focus({ preventScroll: true });
  };

  const address = () => {
    const u = new URL(location.href);
    u.searchParams.delete("sent");
    return u.pathname + u.search;
  };

  let busy = false;
  let more = false;
  const refresh = async () => {
    if (busy) { more = true; return; }
    busy = true;
    try {
      const answer = await fetch(address(), { headers: { "X-Parts": "1" }, cache: "no-store", redirect: "error" });
      if (answer.status === 401) { tell("You are not logged in any more."); return; }
      if (!answer.ok) { tell("This page cannot be kept fresh."); return; }
      const fresh = await answer.json();
      for (const [name, html] of Object.entries(fresh.parts)) {
        const part = document.querySelector(`[data-part="${CSS.escape(name)}"]`);
        if (part) replace(part, html);
      }
      if (fresh.acts !== document.body.dataset.acts) tell("What you can do here has changed.");
      else stale.hidden = true;
      document.documentElement.dataset.fresh = String(Number(document.documentElement.dataset.fresh || 0) + 1);
    } catch {
      tell("The operator does not answer.");
    } finally {
      busy = false;
      if (more) { more = false; refresh(); }
    }
  };

  const events = new EventSource("/events");
  events.addEventListener("changed", refresh);
  events.addEventListener("open", refresh);
})();
