// An API's 401 is answered by one renewal, by whatever way and whatever process it is asked.
import { relay } from '../../src/index.ts'
import { startApiServer } from '../support/app/api-server.ts'
import { useLogoutFixture } from '../support/app/logout-fixture.ts'
import { isCommand } from '../support/redis/commands.ts'
import { useParts } from '../support/servers.ts'

const { api } = useParts(async (start) => ({ api: await start(startApiServer()) }))
const { fixture, one, other, front } = useLogoutFixture(async (fixture) => {
  const apis = [api.url]
  const front = await fixture.startFront()
  return { one: await fixture.start({ apis }), other: await fixture.start({ apis }, front.url), front }
})

beforeAll(() => {
  api.answer((_req, res) => res.writeHead(401).end())
  for (const { app } of [one, other]) {
    app.use('/api', relay({ target: api.url }))
    app.get('/fetched', async (req, res) => {
      res.json((await req.oidc.fetch(api.url)).status)
    })
  }
})

test('an API that takes no token costs one renewal, by relay() and by req.oidc.fetch(), at two processes', async () => {
  const browser = await fixture.logIn('rita')
  const before = fixture.provider.refreshCount()
  const answers: number[] = []
  for (const { url } of [one, other, one, other]) {
    answers.push((await browser.request('GET', `${url}/api/x`)).status)
    answers.push((await browser.request('GET', `${url}/fetched`)).json())
  }
  expect(answers).toEqual([403, 401, 403, 401, 403, 401, 403, 401])
  expect(fixture.provider.refreshCount() - before).toBe(1)
  // Two requests for the token that was replaced, one for each that was not.
  expect(api.seen).toHaveLength(9)
})

test('where the store does not take the note, a request costs no more than one renewal all the same', async () => {
  const browser = await fixture.logIn('stan')
  const before = fixture.provider.refreshCount()
  front.refuseAll(isCommand('set'))
  expect((await browser.request('GET', `${other.url}/api/x`)).status).toBe(403)
  expect(fixture.provider.refreshCount() - before).toBe(1)
})
