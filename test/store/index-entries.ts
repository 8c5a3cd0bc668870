// Entries of the index of sessions, as the tests of it make and read them.
import type { SessionGroup } from '../../src/record/auth-record.ts'
import { createLoggedInId } from '../../src/record/session-id.ts'
import type { SessionIndex } from '../../src/store/store.ts'
import { recordAt } from './stores.ts'

let person = 0
/** A person whom no test has named before. */
export const nobody = (): SessionGroup => {
  person += 1
  return { claim: 'sub', value: `person-${person}` }
}
export const sidOf = (value: string): SessionGroup => ({ claim: 'sid', value })
export const page = (index: SessionIndex, group: SessionGroup) => index.page(group, 0, 1000)

/** The batches, each taken out as if its sessions had been ended. */
export async function drained(
  index: SessionIndex,
  group: SessionGroup,
  rememberSeconds = 60,
): Promise<string[][]> {
  const batches: string[][] = []
  for await (const ids of index.endGroup(group, rememberSeconds)) {
    batches.push([...ids])
    await index.remove(ids, [group])
  }
  return batches
}

/** Named in the index, as if its login was so many milliseconds after `now`; the oldest first. */
export async function add(
  index: SessionIndex,
  { value: sub }: SessionGroup,
  { now, count = 1, sid, lives = 1_000_000 }: { now: number; count?: number; sid?: string; lives?: number },
): Promise<string[]> {
  const ids = Array.from({ length: count }, createLoggedInId)
  for (const [at, id] of ids.entries()) {
    const claims = { ...recordAt(now).claims, sub, ...(sid !== undefined && { sid }) }
    await index.add(id, recordAt(now + at, { claims, endsAt: now + at + lives }))
  }
  return ids
}
