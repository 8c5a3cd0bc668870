// The ratios of a release, which the next one is held to.
import { readFile, writeFile } from 'node:fs/promises'
import { NEAR_CACHE, OURS } from './contestants.ts'
import { ratioOf } from './goals.ts'
import { type Machine, showMachine } from './machine.ts'
import type { Result } from './rounds.ts'

interface Baseline extends Machine {
  /** of bare Express on the same machine, so that they mean something on another one */
  readonly ratios: Readonly<Record<string, number>>
}

const FILE = new URL('./baseline.json', import.meta.url)
const LEAST = 0.85

export async function writeBaseline(machine: Machine, results: readonly Result[]): Promise<void> {
  const ratios = Object.fromEntries(results.map((each) => [each.name, Number(ratioOf(each).toFixed(3))]))
  const baseline: Baseline = { ...machine, ratios }
  await writeFile(FILE, `${JSON.stringify(baseline, undefined, 2)}\n`)
  console.log('\nbench/baseline.json was written')
}

/** Undefined where there is none yet. */
export async function readBaseline(): Promise<Baseline | undefined> {
  const text = await readFile(FILE, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : JSON.parse(text)
}

/** @returns whether this package holds its ratios; what became of the others says how much the machine is to blame */
export function holdsBaseline(baseline: Baseline, results: readonly Result[]): boolean {
  console.log(`\ncompared with ${showMachine(baseline)}`)
  let holds = true
  for (const [name, before] of Object.entries(baseline.ratios)) {
    const result = results.find((each) => each.name === name)
    const now = result === undefined ? 0 : ratioOf(result)
    const ours = name === OURS || name === NEAR_CACHE
    const tooSlow = ours && now < LEAST * before
    holds &&= !tooSlow
    const note = tooSlow ? `: below ${LEAST * 100} %` : ours ? '' : ' (not ours: not judged)'
    console.log(`${name}: ${before.toFixed(2)} then, ${now.toFixed(2)} now${note}`)
  }
  return holds
}
