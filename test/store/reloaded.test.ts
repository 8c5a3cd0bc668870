// Whoever asks for fresh tokens is measured by the store's time, not by that of what is near, which may be late.
import type { Request, Response } from 'express'
import type { AuthRecord } from '../../src/record/auth-record.ts'
import type { Renewer } from '../../src/renewal/renew.ts'
import { attachOidc } from '../../src/request-oidc.ts'
import { CurrentSession, type SessionServices } from '../../src/session/current-session.ts'
import type { RequestContext } from '../../src/session/request-context.ts'
import type { SessionBinding } from '../../src/session/session-binding.ts'
import type { SessionStore } from '../../src/store/store.ts'
import { configWith, recordAt } from './stores.ts'

const [NEAR, RENEWED, STORE] = [100_000, 150_000, 200_000]

/** A session that was renewed a while ago: later than the near clock says that it is now. */
async function read(): Promise<{ session: CurrentSession; renewals: () => number }> {
  const record = recordAt(RENEWED)
  const found = (now: number) => ({ now, value: { record, appData: undefined, idleEndsAt: STORE * 2 } })
  let renewals = 0
  const services: SessionServices = {
    config: configWith(),
    store: {
      find: async (_id: string, options?: { mayBeCached: boolean }) =>
        options?.mayBeCached ? { ...found(NEAR), isCached: true } : found(STORE),
    } as SessionStore,
    renewer: {
      newest: (_id: string, known: AuthRecord) => known,
      renew: async () => {
        renewals += 1
        return { kind: 'renewed', record: { ...record, renewedAt: STORE + 60_000 } }
      },
    } as unknown as Renewer,
  }
  const browser = { authId: 's-any', attach: () => undefined } as unknown as SessionBinding
  return { session: await CurrentSession.read(services, browser), renewals: () => renewals }
}

test('what is reloaded has the store’s time', async () => {
  const { session } = await read()
  expect(session.readAt).toBe(NEAR)
  await session.reload()
  expect(session.readAt).toBe(STORE)
  expect(session.now).toBeGreaterThanOrEqual(STORE)
})

test('req.oidc.renew() is not content with a renewal of before', async () => {
  const { session, renewals } = await read()
  const [req, res] = [{} as Request, {} as Response]
  attachOidc({ session, req, res } as RequestContext)
  await req.oidc.renew()
  expect(renewals()).toBe(1)
})
