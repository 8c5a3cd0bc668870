// What a soak says at its end.
import type { LedgerFigures, Presentation } from './ledger.ts'
import type { Tally } from './tally.ts'
import type { Loss } from './verdict.ts'

export interface Figures {
  seconds: number
  seed: number
  sessions: number
  requests: number
  answers: Record<string, number>
  tally: Tally
  events: Record<string, number>
  ledger: LedgerFigures & { byStatus: Record<string, number>; late: number; memoryMB: number }
  losses: readonly Loss[]
}

/** @returns true where the soak failed */
export function printFigures(figures: Figures): boolean {
  const { answers, events, ledger, losses, requests, tally } = figures
  const unexcused = losses.filter(({ excused }) => !excused)
  const reasons: Record<string, number> = {}
  for (const { reason, excused } of losses) {
    const key = `${excused ? 'excused' : 'NOT EXCUSED'}: ${reason}`
    reasons[key] = (reasons[key] ?? 0) + 1
  }
  const wrongs = Object.keys(tally.wrongs).length
  // What is not made proves nothing.
  const never = Object.keys(tally.faults).filter((kind) => tally.faults[kind] === 0)
  if (ledger.late === 0) never.push('a late answer that somebody was still there for')
  const failed = unexcused.length + wrongs + never.length + ledger.twiceInFlight + ledger.strange > 0
  const lines = [
    `soak: ${failed ? 'FAILED' : 'passed'} after ${figures.seconds.toFixed(0)} s, seed ${figures.seed}`,
    `sessions           ${figures.sessions}, and ${losses.length} in the place of lost ones`,
    `requests           ${requests}`,
    ...table('answers', answers),
    `token requests     ${ledger.presented}, of which ${ledger.rotated} rotated`,
    ...table('provider answers', ledger.byStatus),
    ...table('faults', tally.faults),
    ...table('events', events),
    `rotated, and answered late       ${ledger.late}`,
    `presented twice in flight        ${ledger.twiceInFlight}`,
    `presented again, not yet spent   ${ledger.againUnspent}`,
    `presented again, spent           ${ledger.againSpent}`,
    `presented by a stranger          ${ledger.strange}`,
    `sessions lost      ${losses.length}, without the excuse ${unexcused.length}`,
    ...table('reasons', reasons),
    ...table('wrong', tally.wrongs),
    `memory             soak ${Math.round(process.memoryUsage().rss / 1e6)} MB, provider ${ledger.memoryMB} MB`,
    ...ledger.doubles.flatMap(({ first, second }) => ['TWICE IN FLIGHT', show(first), show(second)]),
    ...ledger.strangers.map((stranger) => `STRANGER ${stranger}`),
    ...unexcused
      .slice(0, 10)
      .flatMap(({ user, reason, history }) => [`LOST ${user}: ${reason}`, ...history.map(show)]),
    ...tally.examples.map((what) => `WRONG ${what}`),
    ...never.map((kind) => `NEVER MADE ${kind}`),
  ]
  console.log(lines.join('\n'))
  return failed
}

function table(title: string, counts: Readonly<Record<string, number>>): string[] {
  const rows = Object.entries(counts).sort(([a], [b]) => a.localeCompare(b))
  return [title, ...rows.map(([name, count]) => `  ${String(count).padStart(7)}  ${name}`)]
}

function show({ hash, via, at, endedAt, status, rotatedAt }: Presentation): string {
  const after = (time: number | undefined) => (time === undefined ? '-' : `+${time - at}`)
  const began = new Date(at).toISOString().slice(11, 23)
  return `    ${began} ${hash.slice(0, 8)} by ${via}: rotated ${after(rotatedAt)}, answered ${status ?? '-'} ${after(endedAt)} ms`
}
