// Realms of one site over one store, without an app around them: what each of them does with the sessions of all.
import { createServer } from 'node:http'
import express from 'express'
import { AuthEventEmitter, type AuthEvents, type EventOrigin } from '../../../src/events/events.ts'
import { createOperations } from '../../../src/events/operations.ts'
import { createBackgroundTasks } from '../../../src/lib/background-tasks.ts'
import { createLimitedLog } from '../../../src/lib/limited-log.ts'
import { backchannelLogout } from '../../../src/logout/backchannel-logout.ts'
import { resolveOptions } from '../../../src/options/resolve-options.ts'
import { ownerName } from '../../../src/record/owner.ts'
import { createLoggedInId } from '../../../src/record/session-id.ts'
import { createEndedSessions } from '../../../src/session/ended-sessions.ts'
import type { Realms } from '../../../src/session/realms.ts'
import type { Services } from '../../../src/session/services.ts'
import { createRealmServices } from '../../../src/sites/realm-services.ts'
import { createSite, type Site } from '../../../src/sites/site.ts'
import { createMemoryStores } from '../../../src/store/memory/memory-store.ts'
import { recordAt } from '../../store/stores.ts'
import { TEST_SECRET } from '../app/app-options.ts'
import { createLog } from '../evidence.ts'
import { closeServer, listen } from '../listen.ts'
import type { LogoutClient } from '../provider/logout-client.ts'

export interface SeveralRealms {
  readonly url: string
  readonly realms: Realms<Services>
  readonly site: Site
  readonly lines: string[]
  readonly ended: (AuthEvents['session-ended'] & EventOrigin)[]
  readonly refused: (AuthEvents['refused'] & EventOrigin)[]
  /** Somebody's session there. @returns its id */
  logIn(provider: string, sub: string, sid?: string): Promise<string>
  isIn(id: string): Promise<boolean>
  stop(): Promise<void>
}

/** @param clients by the names of their providers */
export async function startSeveralRealms(
  clients: Readonly<Record<string, LogoutClient>>,
): Promise<SeveralRealms> {
  const { lines, logger } = createLog()
  const baseURL = 'http://localhost:3000'
  const configs = Object.entries(clients).map(([providerName, { options }]) => ({
    ...resolveOptions({ ...options, baseURL, secret: TEST_SECRET, logger }, {}),
    providerName,
  }))
  const [first, ...others] = configs
  if (first === undefined) throw new Error('no clients')
  const events = new AuthEventEmitter()
  const [ended, refused]: [SeveralRealms['ended'], SeveralRealms['refused']] = [[], []]
  events.on('session-ended', (event) => ended.push(event))
  events.on('refused', (event) => refused.push(event))
  const log = createLimitedLog(logger)
  const tasks = createBackgroundTasks()
  const shared = { events, operations: createOperations(), log, tasks, ended: createEndedSessions() }
  const stores = createMemoryStores(first)
  const store = stores.of({ owners: [first, ...others], secrets: () => first.secrets, events })
  const realmOf = (config: typeof first) => ({ config, services: createRealmServices(config, store, shared) })
  const site = createSite([realmOf(first), ...others.map(realmOf)], shared)
  const { realms } = site
  const app = express().post('/backchannel-logout', (req, res) => backchannelLogout(realms, req, res))
  const server = createServer(app)
  const url = `http://localhost:${await listen(server, 'localhost')}`

  return {
    url,
    realms,
    site,
    lines,
    ended,
    refused,

    async logIn(provider, sub, sid) {
      const realm = realms.byName(provider)
      if (realm === undefined) throw new Error(`no provider ${provider}`)
      const { config, sessions } = realm
      const [id, now] = [createLoggedInId(), await store.now()]
      const claims = {
        iss: config.issuer.href,
        aud: config.clientID,
        sub,
        iat: 1,
        exp: 2,
        ...(sid !== undefined && { sid }),
      }
      const record = recordAt(now, { owner: ownerName(config), claims, refreshToken: undefined })
      await sessions.begin(id, record, undefined, now)
      return id
    },

    isIn: async (id) => (await store.find(id)).value !== undefined,

    async stop() {
      log.close()
      await closeServer(server)
    },
  }
}
