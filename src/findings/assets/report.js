(() => {
  "use strict";
  const form = document.getElementById("filter");
  const list = document.getElementById("finding-list");
  if (!form || !list) return;
  const tally = document.getElementById("tally");
  const toggle = document.getElementById("toggle");
  const items = [...list.children].map((li) => ({
    li,
    details: li.querySelector("details"),
    severity: li.dataset.severity,
    category: li.dataset.category,
    path: li.dataset.path.toLowerCase(),
    text: null,
  }));
  const boxes = [...form.querySelectorAll("input[name=severity]")];

  const apply = () => {
    const severities = new Set(boxes.filter((b) => b.checked).map((b) => b.value));
    const category = form.category.value;
    const path = form.path.value.trim().toLowerCase();
    const words = form.text.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of items) {
      let on = severities.has(item.severity) && (!category || item.category === category) &&
        (!path || item.path.includes(path));
      if (on && words.length) {
        item.text ??= item.li.textContent.toLowerCase();
        on = words.every((w) => item.text.includes(w));
      }
      item.li.hidden = !on;
      if (on) shown += 1;
    }
    tally.textContent = shown === items.length ? `All ${items.length} shown`
      : shown === 0 ? "Nothing matches" : `${shown} of ${items.length} shown`;
    remember(severities, category, path, words);
  };

  // What was chosen stays in the address, so that a link shows the same list.
  const remember = (severities, category, path, words) => {
    const state = new URLSearchParams();
    if (severities.size < boxes.length) state.set("severity", [...severities].join(","));
    if (category) state.set("category", category);
    if (path) state.set("path", path);
    if (words.length) state.set("text", words.join(" "));
    const hash = state.toString();
    if (hash) history.replaceState(null, "", "#?" + hash);
    else if (location.hash.startsWith("#?")) history.replaceState(null, "", location.pathname + location.search);
  };

  const restore = () => {
    if (!location.hash.startsWith("#?")) return;
    const state = new URLSearchParams(location.hash.slice(2));
    if (state.has("severity")) {
      const wanted = new Set(state.get("severity").split(","));
      for (const box of boxes) box.checked = wanted.has(box.value);
    }
    for (const name of ["category", "path", "text"]) if (state.has(name)) form[name].value = state.get(name);
  };

  const setAll = (open) => {
    for (const item of items) if (!item.li.hidden) item.details.open = open;
  };

  form.hidden = false;
  toggle.hidden = false;
  restore();
  let timer = 0;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(apply, 80);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply, 0));
  toggle.addEventListener("click", () => {
    const open = toggle.dataset.open !== "true";
    toggle.dataset.open = String(open);
    toggle.textContent = open ? "Collapse all" : "Expand all";
    setAll(open);
  });
  addEventListener("beforeprint", () => setAll(true));
  // A link to a finding opens it.
  const reveal = () => {
    const target = location.hash.length > 1 && !location.hash.startsWith("#?") && document.getElementById(location.hash.slice(1));
    const details = target && target.querySelector(":scope > details");
    if (details) {
      target.hidden = false;
      details.open = true;
      target.scrollIntoView({ block: "start" });
    }
  };
  addEventListener("hashchange", reveal);
  apply();
  reveal();
})();
