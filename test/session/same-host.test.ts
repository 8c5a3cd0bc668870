// Two apps on one host, as on localhost: cookies know no port, so both see each other's.
import { startApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog } from '../support/evidence.ts'
import { useServers } from '../support/servers.ts'

const { provider, app } = useServers({ options: { secret: 'a'.repeat(32) } })

async function logInAtBoth(session: { name?: string }): Promise<boolean[]> {
  const other = await startApp({
    provider,
    client: { clientId: 'other' },
    options: { secret: 'b'.repeat(32), session, logger: createLog().logger },
  })
  try {
    const browser = new Browser()
    await browser.logIn(app.url, { user: 'both' })
    await browser.logIn(other.url, { user: 'both' })
    const answers = []
    for (const { url } of [app, other]) answers.push(await browser.request('GET', `${url}/me`))
    return answers.map((answer) => answer.json<{ authenticated: boolean }>().authenticated)
  } finally {
    await other.stop()
  }
}

test('with a session.name of its own each keeps its session', async () => {
  expect(await logInAtBoth({ name: 'other' })).toEqual([true, true])
})

test('with one name for both a login at one ends the session at the other', async () => {
  expect(await logInAtBoth({})).toEqual([false, true])
})
