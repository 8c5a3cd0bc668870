// Two more deployments on the Redis of a soak, with its secret: what is of the one is nobody's at the other, and stays as it is.

import { isAuthError } from '../src/errors/errors.ts'
import type { AuthOptions } from '../src/index.ts'
import { startApp, type TestApp } from '../test/support/app/app.ts'
import { Browser } from '../test/support/browser/browser.ts'
import { sessionIdOf } from '../test/support/session/age-session.ts'
import type { SeededSession } from '../test/support/session/many-sessions.ts'
import { type Aim, arrive, cookieOf, isLater, patiently, whoseIs } from './person.ts'
import type { SoakProvider } from './provider-process.ts'
import { createDeck, type Random } from './random.ts'
import type { Stream } from './streams.ts'
import type { Tally } from './tally.ts'
import type { Lost } from './verdict.ts'

export interface Deployment {
  /** how it differs from the soak's own */
  readonly kind: string
  readonly app: TestApp
}

interface World {
  tally: Tally
  /** the address of the soak's own deployment */
  home: string
  sessions: readonly SeededSession[]
  deployments: readonly Deployment[]
  /** accounts for a session that is over */
  account(lost: Lost): Promise<void>
}

interface Client {
  clientId: string
  clientSecret: string
}

const CLIENT = 'deployment: another client'
const PROVIDER = 'deployment: another provider'
export const DEPLOYMENT_KINDS = [CLIENT, PROVIDER]

const PATIENCE_MS = 20_000

/** @param options as the soak's own deployment has them */
export async function startDeployments(
  redisUrl: string,
  client: Client,
  providers: { own: SoakProvider; other: SoakProvider },
  options: AuthOptions,
): Promise<Deployment[]> {
  const start = async (kind: string, provider: SoakProvider, { clientId, clientSecret }: Client) => {
    const issuerBaseURL = await provider.issuer()
    const given = { ...options, issuerBaseURL, clientID: clientId, clientSecret, logger: { warn() {} } }
    const app = await startApp({ redisUrl, options: given })
    await provider.register({ clientId, clientSecret, baseURL: app.url })
    return { kind, app }
  }
  return [
    await start(CLIENT, providers.own, { ...client, clientId: `${client.clientId}-staff` }),
    await start(PROVIDER, providers.other, client),
  ]
}

export function deploymentStream(world: World): Stream {
  return {
    name: 'deployments',
    pauses: [200, 900],
    begin(random) {
      const draw = createDeck(random, world.deployments)
      let people = 0
      return async () => {
        const deployment = draw()
        const user = `visitor-${++people}`
        try {
          const isShown = await show(world, deployment, random)
          const isMet = await meet(world, deployment, user)
          if (isShown && isMet) world.tally.made(deployment.kind)
        } catch (error) {
          // Redis is away: it was neither asked nor told all of it.
          if (!isAuthError(error)) throw error
        }
      }
    },
  }
}

function wrongAt({ tally }: World, { kind }: Deployment) {
  return (what: string) => tally.wrong('one deployment took what is of another', `${kind}: ${what}`)
}

/**
 * The other deployment is shown a session of the soak's, most often one that is due, and told to end it. That it lives on is
 * seen by whoever asks for it next.
 *
 * @returns false where a part of it was not answered
 */
async function show(world: World, deployment: Deployment, random: Random): Promise<boolean> {
  const wrong = wrongAt(world, deployment)
  const { app } = deployment
  const session = random.pick(world.sessions)
  if (session === undefined) return false
  const { cookie, id, user } = session
  const there = { home: app.url, user, until: Date.now() + PATIENCE_MS }
  const who = await whoseIs(cookie, there)
  if (isSomebody(who)) wrong(`${user} is ${who} there`)
  if (await app.auth.sessions.revoke(id)) wrong(`the session of ${user} was revoked there`)
  const stranger = new Browser()
  for (const path of ['/cart', '/logout']) {
    await stranger.setCookie(cookie, app.url)
    const answer = await patiently(there.until, () => stranger.request('POST', app.url + path))
    if (isLater(answer)) return false
  }
  return who !== undefined
}

/**
 * One person is logged in at both: each names its own session alone, and ends its own alone.
 *
 * @returns false where a part of it was not answered
 */
async function meet(world: World, deployment: Deployment, user: string): Promise<boolean> {
  const wrong = wrongAt(world, deployment)
  const { sessions } = deployment.app.auth
  const here = { home: world.home, user, until: Date.now() + PATIENCE_MS }
  const there = { ...here, home: deployment.app.url }
  const [local, own] = [await logIn(here), await logIn(there)]
  if (local === undefined || own === undefined) return false

  const listed = (await sessions.list(user)).map(({ id }) => id)
  if (listed.includes(local.id)) wrong(`the session of ${user} here is listed there`)
  if (!listed.includes(own.id)) wrong(`the session of ${user} there is not listed there`)
  const who = await whoseIs(own.cookie, here)
  if (isSomebody(who)) wrong(`${user} of there is ${who} here`)
  const left = await patiently(here.until, () => own.browser.clone().request('POST', `${here.home}/logout`))
  if ((await whoseIs(own.cookie, there)) === 'nobody') wrong(`the session of ${user} there was ended here`)
  await sessions.revokeAll(user)
  if (isSomebody(await whoseIs(own.cookie, there))) wrong(`the session of ${user} there was not revoked`)
  if ((await whoseIs(local.cookie, here)) === 'nobody')
    await world.account({ user, id: local.id, code: 'nobody, beside another deployment' })
  return who !== undefined && !isLater(left)
}

const isSomebody = (who: string | undefined) => who !== undefined && who !== 'nobody'

async function logIn(aim: Aim) {
  const browser = new Browser()
  await arrive(browser, `${aim.home}/private`, aim)
  const cookie = await cookieOf(browser, aim.home)
  return cookie === undefined ? undefined : { browser, cookie, id: await sessionIdOf(browser) }
}
