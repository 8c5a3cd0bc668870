// What the example's server tells each window of a person about their sessions; and what it says of an address where nothing is.
import type { IncomingMessage } from 'node:http'
import request from 'supertest'
import { cookieOf } from '../support/app/lasting-answers.ts'
import { Browser } from '../support/browser/browser.ts'
import { endOf, nextPiece, openRequest } from '../support/browser/open-request.ts'
import { useBank } from './use-bank.ts'

const MOST_WINDOWS = 10

const bank = useBank()
const ends: (() => unknown)[] = []

afterEach(() => {
  for (const end of ends.splice(0)) end()
})

async function logIn(user: string): Promise<Browser> {
  const browser = new Browser()
  ends.push(() => browser.close())
  await browser.logIn(bank.url, { user })
  return browser
}

/** A window of that browser, as soon as it listens. */
async function listen(browser: Browser): Promise<IncomingMessage> {
  const headers = { cookie: await cookieOf(browser, bank.url) }
  const { sent, response } = openRequest('GET', `${bank.url}/api/sessions/events`, headers)
  sent.end()
  ends.push(() => sent.destroy())
  const body = await response()
  if (body.statusCode === 200) expect(await nextPiece(body)).toContain('retry:')
  return body
}

const transfer = (browser: Browser) =>
  browser.request('POST', `${bank.url}/api/transfers`, { json: { to: 'Grace', amount: 1 } })
const endAll = (browser: Browser) => browser.request('DELETE', `${bank.url}/api/sessions`)

describe('events of somebody’s sessions', () => {
  test('every window hears of a renewal, and of the end, with which its stream ends; nobody else does', async () => {
    const [ada, eve] = [await logIn('Ada'), await logIn('Eve')]
    const windows = [await listen(ada), await listen(ada)]
    const stranger = await listen(eve)
    await transfer(ada)
    for (const window of windows) expect(await nextPiece(window)).toBe('event: renewed\ndata: {}\n\n')

    const other = await logIn('Ada')
    for (const window of windows) expect(await nextPiece(window)).toBe('event: logged-in\ndata: {}\n\n')
    await endAll(other)
    const ended = 'event: session-ended\ndata: {"reason":"revoked"}\n\n'
    for (const window of windows) {
      expect(await nextPiece(window)).toContain(ended)
      expect(await endOf(window)).toBe('whole')
    }
    await transfer(eve)
    expect(await nextPiece(stranger)).toBe('event: renewed\ndata: {}\n\n')
  })

  test('a window goes on listening when another session of the same person ends', async () => {
    const [here, there] = [await logIn('Hedy'), await logIn('Hedy')]
    const window = await listen(here)
    await there.logOut(bank.url)
    expect(await nextPiece(window)).toBe('event: session-ended\ndata: {"reason":"logout"}\n\n')
    await transfer(here)
    expect(await nextPiece(window)).toBe('event: renewed\ndata: {}\n\n')
  })

  test('they are for people who are logged in, and for so many windows', async () => {
    await request(bank.server).get('/api/sessions/events').expect(401)
    const ida = await logIn('Ida')
    const windows = await Promise.all(Array.from({ length: MOST_WINDOWS }, () => listen(ida)))
    expect((await listen(ida)).statusCode).toBe(204)
    windows[0]?.destroy()
    await endOf(windows[0] as IncomingMessage)
    expect((await listen(ida)).statusCode).toBe(200)
  })
})

describe('an address where nothing is', () => {
  test('is a page for who opens it, with the way home', async () => {
    const answer = await request(bank.server).get('/nowhere').set('Accept', 'text/html,*/*;q=0.8').expect(404)
    expect(answer.headers).toMatchObject({
      'content-type': expect.stringContaining('text/html'),
      vary: 'Accept',
    })
    expect(answer.text).toContain('<a class="button" href="/">')
  })

  test.each(['*/*', 'application/json'])('is a problem for a script that asks for %s', async (accept) => {
    const answer = await request(bank.server).get('/nowhere').set('Accept', accept).expect(404)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.body).toEqual({ status: 404, code: 'not_found', detail: expect.any(String) })
  })

  test('is one at the API too', async () => {
    const answer = await (await logIn('Lise')).request('GET', `${bank.url}/api/nothing`)
    expect(answer).toMatchObject({ status: 404 })
    expect(answer.json()).toMatchObject({ code: 'not_found' })
  })
})
