// What a soak says at its end.
import type { LedgerFigures, Presentation } from './ledger.ts'
import type { Loss } from './verdict.ts'

export interface Figures {
  seconds: number
  seed: number
  sessions: number
  requests: number
  answers: Record<string, number>
  faults: Record<string, number>
  events: Record<string, number>
  ledger: LedgerFigures & { byStatus: Record<string, number>; memoryMB: number }
  losses: readonly Loss[]
  wrong: readonly string[]
}

/** @returns true where the soak failed */
export function printFigures(figures: Figures): boolean {
  const { answers, events, faults, ledger, losses, requests, wrong } = figures
  const unexcused = losses.filter(({ excused }) => !excused)
  const reasons: Record<string, number> = {}
  for (const { reason, excused } of losses) {
    const key = `${excused ? 'excused' : 'NOT EXCUSED'}: ${reason}`
    reasons[key] = (reasons[key] ?? 0) + 1
  }
  const failed = unexcused.length > 0 || ledger.twiceInFlight > 0 || wrong.length > 0
  const lines = [
    `soak: ${failed ? 'FAILED' : 'passed'} after ${figures.seconds.toFixed(0)} s, seed ${figures.seed}`,
    `sessions           ${figures.sessions}, and ${losses.length} in the place of lost ones`,
    `requests           ${requests}`,
    ...table('answers', answers),
    `token requests     ${ledger.presented}, of which ${ledger.rotated} rotated`,
    ...table('provider answers', ledger.byStatus),
    ...table('faults', faults),
    ...table('events', events),
    `presented twice in flight        ${ledger.twiceInFlight}`,
    `presented again, not yet spent   ${ledger.againUnspent}`,
    `presented again, spent           ${ledger.againSpent}`,
    `sessions lost      ${losses.length}, without the excuse ${unexcused.length}`,
    ...table('reasons', reasons),
    `memory             soak ${Math.round(process.memoryUsage().rss / 1e6)} MB, provider ${ledger.memoryMB} MB`,
    ...ledger.doubles.flatMap(({ first, second }) => ['TWICE IN FLIGHT', show(first), show(second)]),
    ...unexcused
      .slice(0, 10)
      .flatMap(({ user, reason, history }) => [`LOST ${user}: ${reason}`, ...history.map(show)]),
    ...wrong.map((what) => `WRONG ${what}`),
  ]
  console.log(lines.join('\n'))
  return failed
}

function table(title: string, counts: Record<string, number>): string[] {
  const rows = Object.entries(counts).sort(([a], [b]) => a.localeCompare(b))
  return [title, ...rows.map(([name, count]) => `  ${String(count).padStart(7)}  ${name}`)]
}

function show({ hash, via, at, endedAt, status, rotatedAt }: Presentation): string {
  const after = (time: number | undefined) => (time === undefined ? '-' : `+${time - at}`)
  const began = new Date(at).toISOString().slice(11, 23)
  return `    ${began} ${hash.slice(0, 8)} by ${via}: rotated ${after(rotatedAt)}, answered ${status ?? '-'} ${after(endedAt)} ms`
}
