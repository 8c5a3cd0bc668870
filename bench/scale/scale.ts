// npm run bench -- --scale: what happens as the work grows.
import type { CleanUp } from '../clean-up.ts'
import { measureMillion } from './million.ts'
import { measurePeople } from './people.ts'
import type { ScalePlan } from './plan.ts'
import { type ScaleProvider, startScaleProvider } from './provider-process.ts'
import { measureRedisTime } from './redis-time.ts'
import { measureSpread } from './spread.ts'
import { measureStampede } from './stampede.ts'
import { measureTenants } from './tenants.ts'
import { measureWaiting } from './waiting.ts'

/** Prints its figures; false where a goal was missed. */
type Part = (cleanUp: CleanUp, provider: ScaleProvider, plan: ScalePlan) => Promise<boolean>

const ALL: Readonly<Record<string, Part>> = {
  stampede: measureStampede,
  waiting: measureWaiting,
  spread: measureSpread,
  people: measurePeople,
  million: measureMillion,
  redis: measureRedisTime,
  tenants: measureTenants,
}

export const PARTS = Object.keys(ALL)

/** @returns whether all goals were held */
export async function measureScale(cleanUp: CleanUp, wanted: string[], plan: ScalePlan): Promise<boolean> {
  const provider = await startScaleProvider()
  cleanUp.later(() => provider.stop())
  let held = true
  for (const name of wanted.length > 0 ? wanted : PARTS) {
    const part = ALL[name]
    if (part === undefined) throw new Error(`no part is called ${name}: ${PARTS.join(', ')}`)
    held = (await part(cleanUp, provider, plan)) && held
  }
  return held
}
