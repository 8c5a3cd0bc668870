// Whoever asks for fresh tokens is measured by the store's time, not by that of what is near, which may be late.
import type { Request, Response } from 'express'
import type { AuthRecord } from '../../src/auth-record.ts'
import type { AuthRecords } from '../../src/auth-records/auth-records.ts'
import { CurrentSession, type SessionRooms } from '../../src/current-session.ts'
import type { Renewer } from '../../src/renewal/renew.ts'
import type { RequestContext } from '../../src/request-context.ts'
import { putOidc } from '../../src/request-oidc.ts'
import type { BrowserSession } from '../../src/session/browser-session.ts'
import { configWith, recordAt } from '../auth-records/stores.ts'

const [NEAR, RENEWED, STORE] = [100_000, 150_000, 200_000]

/** A session that was renewed a while ago: later than the near clock says that it is now. */
async function read(): Promise<{ session: CurrentSession; renewals: () => number }> {
  const record = recordAt(RENEWED)
  const found = (now: number) => ({ now, value: { record, appData: undefined, idleEndsAt: STORE * 2 } })
  let renewals = 0
  const rooms: SessionRooms = {
    config: configWith(),
    records: {
      find: async (_id: string, from?: 'near') =>
        from === 'near' ? { ...found(NEAR), isNear: true } : found(STORE),
    } as AuthRecords,
    renewer: {
      newest: (_id: string, known: AuthRecord) => known,
      renew: async () => {
        renewals += 1
        return { kind: 'renewed', record: { ...record, renewedAt: STORE + 60_000 } }
      },
    } as unknown as Renewer,
  }
  const browser = { authId: 's-any', attach: () => undefined } as unknown as BrowserSession
  return { session: await CurrentSession.read(rooms, browser), renewals: () => renewals }
}

test('what is confirmed has the store’s time', async () => {
  const { session } = await read()
  expect(session.readAt).toBe(NEAR)
  await session.confirm()
  expect(session.readAt).toBe(STORE)
  expect(session.now).toBeGreaterThanOrEqual(STORE)
})

test('req.oidc.renew() is not content with a renewal of before', async () => {
  const { session, renewals } = await read()
  const [req, res] = [{} as Request, {} as Response]
  putOidc({ session, req, res } as RequestContext)
  await req.oidc.renew()
  expect(renewals()).toBe(1)
})
