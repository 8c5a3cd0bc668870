// One server with one person logged in at it, by a login like any other.
import { TEST_SECRET } from '../test/support/app/app-options.ts'
import { Browser } from '../test/support/browser/browser.ts'
import { exchange } from '../test/support/browser/http-exchange.ts'
import type { Contestant } from './contestants.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import type { Stage } from './stage.ts'

export interface Competitor {
  readonly contestant: Contestant
  readonly server: ServerProcess
  /** what is asked for again and again */
  readonly url: string
  /** as the browser sends it */
  readonly cookie: string
  /** @throws where the person does not get what is theirs, or a stranger does */
  check(): Promise<void>
}

const USER = 'alice'

export async function enter(stage: Stage, contestant: Contestant): Promise<Competitor> {
  const server = await startServer(contestant.file)
  stage.cleanUp.later(() => server.stop())
  const { provider } = stage
  const client = await provider.registerClient({ baseURL: server.url })
  await server.build({
    issuer: provider.issuer,
    redisUrl: stage.redisUrl(contestant.database),
    clientId: client.clientId,
    clientSecret: client.clientSecret ?? '',
    secret: TEST_SECRET,
    options: contestant.options,
  })
  const url = `${server.url}/account`
  const cookie = contestant.open ? '' : await logIn(server)

  async function check() {
    const answer = await ask(url, cookie)
    if (answer.status !== 200 || JSON.parse(answer.body).sub !== USER) {
      throw new Error(
        `${contestant.title} answers ${answer.status} ${answer.body.slice(0, 200)}\n${server.output()}`,
      )
    }
    if (contestant.open) return
    const stranger = await ask(url, '')
    if (stranger.status < 300) throw new Error(`${contestant.title} lets a stranger in`)
  }
  await check()
  return { contestant, server, url, cookie, check }
}

async function logIn(server: ServerProcess): Promise<string> {
  const browser = new Browser()
  const page = await browser.logIn(server.url, { user: USER })
  const cookies = await browser.cookies(server.url)
  if (cookies.length === 0) {
    throw new Error(`login failed: ${page.status} at ${page.url}\n${page.body}\n${server.output()}`)
  }
  return cookies.map((cookie) => cookie.cookieString()).join('; ')
}

function ask(url: string, cookie: string) {
  return exchange({
    method: 'GET',
    url,
    headers: { accept: 'application/json', cookie: cookie === '' ? undefined : cookie },
  })
}
