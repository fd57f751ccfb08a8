// Tabs by the pattern that screen readers know: arrows move, one tab stop.
export function tabs(list, changed = () => {}) {
  const every = [...list.querySelectorAll("[role=tab]")];

  function choose(tab, focus = false) {
    const left = document.getElementById(every.find((each) => each.tabIndex === 0).getAttribute("aria-controls"));
    const held = left.contains(document.activeElement) && left.id !== tab.getAttribute("aria-controls");
    for (const each of every) {
      each.setAttribute("aria-selected", String(each === tab));
      each.tabIndex = each === tab ? 0 : -1;
      document.getElementById(each.getAttribute("aria-controls")).hidden = each !== tab;
    }
    if (focus || held) tab.focus(); // or a hidden panel would keep it
    changed(tab.id);
  }

  list.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) choose(tab);
  });
  list.addEventListener("keydown", (event) => {
    const from = every.indexOf(document.activeElement);
    const to = { ArrowRight: from + 1, ArrowLeft: from - 1, Home: 0, End: every.length - 1 }[event.key];
    if (to === undefined || from < 0) return;
    choose(every.at(to % every.length), true);
    event.preventDefault();
  });
  return { choose: (id) => choose(every.find((each) => each.id === id)), get chosen() { return every.find((each) => each.tabIndex === 0).id; } };
}
