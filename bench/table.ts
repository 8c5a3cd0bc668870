// The table that the README shows.
import { ratioOf } from './goals.ts'
import type { Result } from './rounds.ts'
import { median } from './statistics.ts'

const HEAD = [
  '',
  'of bare Express (least–most)',
  'requests/s',
  'p99 ms',
  'CPU µs a request',
  'Redis commands a request',
  'cookie',
  'bytes in Redis',
  'resident MB',
]

export function printTable(results: readonly Result[]): void {
  console.log(markdown([HEAD, ...results.map(row)]))
}

function row(result: Result): string[] {
  const { title, rounds, ratios, cookieBytes, redisBytes, residentBytes } = result
  const commands = rounds.at(-1)?.commands
  const over = (pick: (round: Result['rounds'][number]) => number) => median(rounds.map(pick))
  const sent = over((round) => round.commands.sent)
  return [
    title,
    `${ratioOf(result).toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`,
    over((round) => round.requestsPerSecond).toFixed(0),
    over((round) => round.p99).toFixed(1),
    over((round) => round.cpuMicrosecondsPerRequest).toFixed(0),
    sent < 0.01 ? '0' : `${Number(sent.toFixed(sent < 1 ? 2 : 1))} (${commands?.names})`,
    String(cookieBytes),
    String(redisBytes),
    (residentBytes / 1e6).toFixed(0),
  ]
}

/** Columns of one width, so that it reads well in a terminal too. */
export function markdown(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(3, ...rows.map((each) => each[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`
  const [head = [], ...body] = rows
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n')
}
