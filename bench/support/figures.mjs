// figures.mjs - medians, tables, and targets that are met or not.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function shuffled(values) {
  const mixed = [...values];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [mixed[i], mixed[j]] = [mixed[j], mixed[i]];
  }
  return mixed;
}

export function table(columns, rows) {
  const cells = [columns, ...rows].map((row) => row.map(String));
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  const line = (row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ').trimEnd();
  return [line(cells[0]), widths.map((n) => '-'.repeat(n)).join('  '), ...cells.slice(1).map(line)].join('\n');
}

// One line a target: what is wanted, what was measured. A machine's noise is no failure, so nothing fails here.
export function targets(list) {
  return list.map(({ what, limit, value, unit }) => {
    const known = value !== undefined && !Number.isNaN(value);
    const verdict = known ? (value <= limit ? 'met    ' : 'NOT MET') : 'unknown';
    return `${verdict}  ${what}: ${known ? value.toFixed(2) : '-'} ${unit} (at most ${limit})`;
  });
}

// "--rounds 5 --seconds 4 --quick" over the defaults, whose types they take.
export function options(defaults, argv) {
  const chosen = { ...defaults };
  for (let i = 0; i < argv.length; i++) {
    const name = argv[i].replace(/^--/, '');
    if (!argv[i].startsWith('--') || !(name in defaults)) {
      throw new Error(`unknown option ${argv[i]}; there are ${Object.keys(defaults).map((one) => `--${one}`).join(' ')}`);
    }
    if (typeof defaults[name] === 'boolean') chosen[name] = true;
    else chosen[name] = typeof defaults[name] === 'number' ? Number(argv[++i]) : argv[++i];
    if (Number.isNaN(chosen[name]) || chosen[name] === undefined) throw new Error(`--${name} wants a value`);
  }
  return chosen;
}
