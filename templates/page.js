(() => {
  const compare = (a, b) => {
    if (a !== a || b !== b) return (a !== a) - (b !== b);
    return a < b ? -1 : +(a > b);
  };
  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);
  for (const table of document.querySelectorAll(".data")) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    if (rows.length < 2) continue;
    heads.forEach((head, column) => {
      const button = make("button", { type: "button" });
      button.append(...head.childNodes);
      head.append(button);
      button.onclick = () => {
        const down = head.ariaSort === "ascending";
        const key = (row) => {
          const text = row.cells[column].textContent;
          return head.className === "n" ? parseFloat(text.replace(/,/g, "").match(/-?\d[\d.]*/)) : text;
        };
        heads.forEach((other) => (other.ariaSort = null));
        head.ariaSort = down ? "descending" : "ascending";
        const keyed = rows.map((row) => [key(row), row]);
        keyed.sort(([a], [b]) => (down && a === a && b === b ? compare(b, a) : compare(a, b)));
        body.append(...keyed.map(([, row]) => row));
      };
    });
    if (rows.length < 9) continue;
    const region = table.parentNode;
    const bar = make("p", { className: "filter" });
    const input = make("input", { type: "search", placeholder: "Filter rows" });
    const found = make("span", { role: "status" });
    input.ariaLabel = "Filter " + region.ariaLabel;
    bar.append(input, found);
    region.before(bar);
    const texts = rows.map((row) => row.textContent.toLowerCase());
    input.oninput = () => {
      const wanted = input.value.trim().toLowerCase();
      rows.forEach((row, i) => (row.hidden = !texts[i].includes(wanted)));
      const left = rows.filter((row) => !row.hidden).length;
      found.textContent = wanted && `${left} of ${rows.length} rows`;
    };
  }
})();
