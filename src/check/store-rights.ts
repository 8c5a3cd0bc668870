// A session of nobody goes the way of every session, on keys of its own: what its Redis user may not do is found here, and not
// by the first person. It is gone at the end, and by itself within a minute.
import { randomBytes } from 'node:crypto'
import { isAuthError } from '../errors/errors.ts'
import { type Finding, failed, ok, saidBy } from '../findings.ts'
import type { Config } from '../options/config.ts'
import type { AuthRecord } from '../record/auth-record.ts'
import { ownerName } from '../record/owner.ts'
import { createAnonymousId, createLoggedInId } from '../record/session-id.ts'
import type { SessionStore } from '../store/store.ts'

const LIFETIME_MILLISECONDS = 60_000
const LEASE = { seconds: 10, reuseSeconds: 60, patienceSeconds: 0 }
const NO_BACK_OFF = { firstSeconds: 0.001, longestSeconds: 0.001, share: 1, askedSeconds: undefined }
/** What is refused is told each time; what does not answer is not asked again. */
const REFUSED = /NOPERM|user executing the script can't/

export async function rightsFinding(store: SessionStore, config: Config, now: number): Promise<Finding> {
  const faults = new Set<string>()
  for (const step of stepsOf(store, config, now)) {
    try {
      await step()
    } catch (error) {
      const said = isAuthError(error) ? saidBy(error) : 'what it answered cannot be read'
      faults.add(said)
      if (!REFUSED.test(said)) break
    }
  }
  if (faults.size > 0) return failed('store-rights', [...faults].slice(0, 5).join('; '))
  return ok('store-rights', 'a session was stored, renewed and ended')
}

function stepsOf(store: SessionStore, config: Config, now: number): (() => Promise<unknown>)[] {
  const [id, visitor, name] = [createLoggedInId(), createAnonymousId(), randomBytes(12).toString('hex')]
  const record = nobodysRecord(config, name, now)
  const group = { claim: 'sub', value: name } as const
  return [
    () => store.index.add(id, record),
    () => store.create(id, record, '{}'),
    () => store.find(id),
    () => store.touch(id),
    () => store.acquire(id, 1, name, LEASE),
    () => store.extend(id, name, LEASE.seconds),
    () => store.commit(id, { ...record, generation: 2 }, name, 0),
    () => store.acquire(id, 2, name, LEASE),
    () => store.release(id, name, NO_BACK_OFF, true),
    () => store.appData.set(id, '{}', 1),
    () => store.appData.get(id),
    () => store.index.page(group, 0, 1),
    async () => {
      for await (const _ of store.index.endGroup(group, 1));
    },
    () => store.index.endedAt(group),
    () => store.end(id),
    () => store.appData.set(visitor, '{}', 1),
    () => store.appData.touch(visitor, 1),
    () => store.appData.delete(visitor),
    () => store.useOnce(name, 1),
    () => store.wasUsed(name),
    () => store.claim(name, name, 1),
  ]
}

function nobodysRecord(config: Config, sub: string, now: number): AuthRecord {
  const seconds = Math.floor(now / 1000)
  const endsAt = now + LIFETIME_MILLISECONDS
  return {
    generation: 1,
    owner: ownerName(config),
    claims: { iss: config.issuer.href, aud: config.clientID, sub, iat: seconds, exp: seconds + 60 },
    idToken: '',
    accessToken: undefined,
    refreshToken: undefined,
    scope: undefined,
    createdAt: now,
    endsAt,
    authenticatedAt: undefined,
    device: undefined,
    enrichment: undefined,
    renewedAt: now,
    idTokenExpiresAt: endsAt,
    accessTokenExpiresAt: undefined,
    jitter: 0,
    logins: [],
  }
}
