// Parts of Markdown, for the tables that are made.

/** @param {readonly string[]} heading @param {readonly (readonly string[])[]} rows */
export function table(heading, rows) {
  const line = (/** @type {readonly string[]} */ cells) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`.replaceAll('|  |', '| |')
  return [line(heading), `|${'---|'.repeat(heading.length)}`, ...rows.map(line)].join('\n')
}

/** @param {string} text */
export function code(text) {
  return `\`${text}\``
}
