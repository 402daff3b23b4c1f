'use strict';
(() => {
  const experts = Number(document.body.dataset.experts);
  const moeLayers = document.body.dataset.moeLayers?.split(' ').map(Number);  // where some layers have no router

  // RFC 4180.
  function parseCsv(text) {
    const rows = [];
    let row = [], cell = '', quoted = false;
    for (let i = 0; i < text.length; i++) {
      const c = text[i];
      if (quoted) {
        if (c !== '"') cell += c;
        else if (text[i + 1] === '"') { cell += c; i++; }
        else quoted = false;
      } else if (c === '"') quoted = true;
      else if (c === ',') { row.push(cell); cell = ''; }
      else if (c === '\n') { row.push(cell); rows.push(row); row = []; cell = ''; }
      else if (c !== '\r') cell += c;
    }
    if (cell || row.length) { row.push(cell); rows.push(row); }
    return { header: rows[0] || [], rows: rows.slice(1) };
  }

  const parsed = new Map();
  function csv(name) {
    if (!parsed.has(name)) {
      const source = [...document.querySelectorAll('pre.csv')].find(pre => pre.dataset.name === name);
      parsed.set(name, source ? parseCsv(source.textContent) : { header: [], rows: [] });
    }
    return parsed.get(name);
  }

  function element(tag, text, attributes = {}) {
    const node = document.createElement(tag);
    if (text !== undefined) node.textContent = text;
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  }

  // ---- sorting
  const isNumber = text => text !== '' && Number.isFinite(Number(text));
  function compare(a, b) {
    if (isNumber(a) && isNumber(b)) return Number(a) - Number(b);
    return isNumber(a) ? -1 : isNumber(b) ? 1 : a.localeCompare(b);
  }
  function nextDirection(th) {
    const direction = th.getAttribute('aria-sort') === 'descending' ? 'ascending' : 'descending';
    for (const other of th.parentNode.children) other.removeAttribute('aria-sort');
    th.setAttribute('aria-sort', direction);
    return direction === 'ascending' ? 1 : -1;
  }
  for (const table of document.querySelectorAll('table.sortable')) {
    const key = (tr, i) => { const td = tr.children[i]; return td.dataset.v ?? td.textContent; };
    table.tHead.addEventListener('click', event => {
      const th = event.target.closest('th');
      if (!th || !event.target.closest('button')) return;
      const sign = nextDirection(th), body = table.tBodies[0];
      body.append(...[...body.rows].sort((a, b) => sign * compare(key(a, th.cellIndex), key(b, th.cellIndex))));
    });
  }

  // ---- whole tables, made when they are opened
  const page = 200;
  function openTable(details) {
    const pre = details.querySelector('pre.csv'), data = csv(pre.dataset.name);
    const tools = details.querySelector('.tools'), place = details.querySelector('.scroll');
    const search = element('input', undefined,
      { type: 'search', placeholder: 'search', 'aria-label': 'Search ' + pre.dataset.name });
    const status = element('span', '', { role: 'status' }), more = element('button', 'Show more', { type: 'button' });
    const save = element('button', 'Save as CSV', { type: 'button' });
    const table = element('table'), head = table.createTHead().insertRow(), body = table.createTBody();
    let rows = data.rows, shown = 0;
    data.header.forEach((name, i) => {
      const th = element('th', undefined, { scope: 'col' });
      const numeric = data.rows.every(row => row[i] === '' || row[i] === 'nan' || isNumber(row[i]));
      if (numeric) th.className = 'n';
      const button = element('button', name, { type: 'button' });
      button.addEventListener('click', () => {
        const sign = nextDirection(th);
        rows = [...rows].sort((a, b) => sign * compare(a[i], b[i]));
        restart();
      });
      th.append(button);
      head.append(th);
    });
    const classes = [...head.children].map(th => th.className);
    function show() {
      const end = Math.min(rows.length, shown + page);
      for (; shown < end; shown++) {
        const tr = body.insertRow();
        rows[shown].forEach((cell, i) => {
          const td = tr.insertCell();
          td.textContent = cell;
          td.className = classes[i] || '';
        });
      }
      status.textContent = shown + ' of ' + rows.length + ' rows';
      more.hidden = shown >= rows.length;
    }
    function restart() { body.replaceChildren(); shown = 0; show(); }
    search.addEventListener('input', () => {
      const words = search.value.toLowerCase();
      rows = data.rows.filter(row => row.some(cell => cell.toLowerCase().includes(words)));
      restart();
    });
    more.addEventListener('click', show);
    save.addEventListener('click', () => {
      const link = element('a', '', { download: pre.dataset.name + '.csv' });
      link.href = URL.createObjectURL(new Blob([pre.textContent], { type: 'text/csv' }));
      link.click();
      URL.revokeObjectURL(link.href);
    });
    tools.append(search, save, status, more);
    place.append(table);
    show();
  }
  for (const details of document.querySelectorAll('details.data')) {
    details.addEventListener('toggle', () => openTable(details), { once: true });
  }

  // ---- heatmaps
  const maps = [...document.querySelectorAll('.map svg')], tip = document.getElementById('tip');
  let facts = null;  // what the tip says of a cell: values by cell, line and signal; a group's line is 'on NAME'
  function loadFacts() {
    if (facts) return;
    facts = { signals: [], names: [], values: new Map() };
    const add = (cell, name, signal, value) => {
      if (!facts.signals.includes(signal)) facts.signals.push(signal);
      if (!facts.names.includes(name)) facts.names.push(name);
      facts.values.set(cell + '\n' + name + '\n' + signal, value);
    };
    const scores = csv('expert_scores'), column = (table, name) => table.header.indexOf(name);
    const [s, g, l, e, m] = ['signal', 'group', 'layer', 'expert', 'mean'].map(name => column(scores, name));
    for (const row of scores.rows) {
      add(Number(row[l]) * experts + Number(row[e]), 'on ' + row[g], row[s], short(row[m]));
    }
    for (const signal of ['activation', 'gradient']) {
      const table = csv('classes_' + signal);
      const [layer, expert, gap, label] = ['layer', 'expert', 'safety_gap', 'label'].map(name => column(table, name));
      for (const row of table.rows) {
        const cell = Number(row[layer]) * experts + Number(row[expert]);
        add(cell, 'gap', signal, (Number(row[gap]) > 0 ? '+' : '') + short(row[gap]));
        add(cell, 'class', signal, row[label]);
      }
    }
    const screen = csv('screen');
    const [layer, expert, group, change] = ['layer', 'expert', 'group', 'change'].map(name => column(screen, name));
    for (const row of screen.rows) {
      add(Number(row[layer]) * experts + Number(row[expert]), 'edited alone, on ' + row[group], 'margin', short(row[change]));
    }
  }
  function short(text) {
    const value = Number(text);
    if (!isNumber(text)) return text;
    if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(3).replace(/\.?0+e/, 'e');
    return String(Number(value.toPrecision(4)));
  }

  function showCell(layer, expert, x, y) {
    loadFacts();
    for (const svg of maps) {
      const cursor = svg.querySelector('.cursor'), across = svg.dataset.across === 'layer';
      cursor.setAttribute('x', across ? layer : expert);
      cursor.setAttribute('y', across ? expert : layer);
      cursor.setAttribute('visibility', 'visible');
    }
    const named = moeLayers ? moeLayers[layer] : layer;
    const table = element('table'), head = table.insertRow(), cell = named * experts + expert;
    head.append(element('th', 'layer ' + named + ', expert ' + expert),
      ...facts.signals.map(name => element('th', name.replace('_', ' '))));
    for (const name of facts.names) {
      const row = table.insertRow();
      row.append(element('td', name.length > 40 ? name.slice(0, 40) + '\u2026' : name),
        ...facts.signals.map(signal => element('td', facts.values.get(cell + '\n' + name + '\n' + signal) ?? '')));
    }
    tip.replaceChildren(table);
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(x + 16, innerWidth - box.width - 6)) + 'px';
    tip.style.top = (y + 20 + box.height < innerHeight ? y + 20 : Math.max(4, y - box.height - 14)) + 'px';
  }
  function hide() {
    tip.hidden = true;
    for (const svg of maps) svg.querySelector('.cursor').setAttribute('visibility', 'hidden');
  }
  for (const svg of maps) {
    const columns = Number(svg.dataset.columns), rows = Number(svg.dataset.rows);
    const across = svg.dataset.across === 'layer';
    const cells = svg.querySelector('.cells');
    let column = 0, row = 0;
    function place(x, y) {
      const matrix = cells.getScreenCTM();
      showCell(across ? column : row, across ? row : column,
        x ?? matrix.e + matrix.a * (column + 1), y ?? matrix.f + matrix.d * (row + 1));
    }
    function point(event) {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(cells.getScreenCTM().inverse());
      if (at.x < 0 || at.y < 0 || at.x >= columns || at.y >= rows) return hide();
      column = Math.floor(at.x);
      row = Math.floor(at.y);
      place(event.clientX, event.clientY);
    }
    svg.addEventListener('pointermove', point);
    svg.addEventListener('pointerdown', point);
    svg.addEventListener('pointerleave', hide);
    svg.addEventListener('blur', hide);
    svg.addEventListener('keydown', event => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (event.key === 'Escape') hide();
      if (!step) return;
      event.preventDefault();
      if (!tip.hidden) {
        column = Math.max(0, Math.min(columns - 1, column + step[0]));
        row = Math.max(0, Math.min(rows - 1, row + step[1]));
      }
      place();
    });
  }
})();
