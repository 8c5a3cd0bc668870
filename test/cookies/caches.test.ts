// Our cookies on answers that the app lets caches keep: under a shared cache whoever asks next is given what Alice was given
// (HOSTILE-INPUTS, "Caches").
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express, { type RequestHandler } from 'express'
import onHeaders from 'on-headers'
import { auth } from '../../src/index.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { type OwnApp, startOwnApp } from '../support/app/own-app.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { createLog, setCookieLine } from '../support/evidence.ts'
import { useParts, useServers } from '../support/servers.ts'
import { ageSession } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

const HEADERS = {
  'Cache-Control': 'public, max-age=3600',
  Expires: new Date(Date.now() + 3_600_000).toUTCString(),
  'Surrogate-Control': 'max-age=3600',
  'CDN-Cache-Control': 'max-age=3600',
}

/** How an app says that its answer may be kept. */
const PUBLIC: Record<string, RequestHandler> = {
  header: (_req, res) => void res.set(HEADERS).send('kept'),
  head: (_req, res) => void res.writeHead(200, HEADERS).end('kept'),
  list: (_req, res) => void res.writeHead(200, Object.entries(HEADERS).flat()).end('kept'),
  stream: (_req, res) => {
    res.set(HEADERS).write('ke')
    res.end('pt')
  },
  file: (_req, res) => void res.sendFile(join(folder, 'page.txt'), { maxAge: 3_600_000, immutable: true }),
}
const NAMES = [...Object.keys(PUBLIC), 'early', 'last', 'static/page.txt']

const folder = mkdtempSync(join(tmpdir(), 'caches-'))
writeFileSync(join(folder, 'page.txt'), 'kept')
afterAll(() => rmSync(folder, { recursive: true }))

const { provider, redis, store, app } = useServers({ redis: true })
const { rotated } = useParts(async (start) => {
  const secret = ['a newer secret, of which the old app knows nothing', TEST_SECRET]
  return { rotated: await start(startCaching({ secret })) }
})

/** A site with pages for everybody, behind auth(). */
function startCaching(options: object): Promise<OwnApp> {
  const { logger } = createLog()
  return startOwnApp({ provider, redisUrl: redis.url, options: { logger, ...options } }, (given) => {
    const handler = auth(given)
    const site = express()
    site.use('/early', (_req, res, next) => {
      res.set(HEADERS)
      next()
    })
    site.use('/last', (_req, res, next) => {
      onHeaders(res, () => void res.set(HEADERS))
      next()
    })
    site.use(handler)
    site.use((req, _res, next) => {
      if (req.query.visits !== undefined) req.session.cart = 'seen'
      next()
    })
    site.use('/static', express.static(folder, { maxAge: '1h' }))
    for (const [name, answer] of Object.entries(PUBLIC)) site.get(`/${name}`, answer)
    site.get(['/early', '/last'], (_req, res) => void res.send('kept'))
    site.get('/plain', (_req, res) => void res.send('plain'))
    site.get('/private', (_req, res) => void res.set('cache-control', 'private, max-age=60').send('private'))
    return { app: site, auth: handler }
  })
}

const KEPT = /public|s-maxage|max-age=[1-9]/

/** No cache that others are answered from keeps it together with a cookie of ours. */
function expectNotShared(page: Page): void {
  expect([page.status, page.body]).toEqual([200, 'kept'])
  if (setCookieLine(page, 'bff') === undefined) return
  expect(page.headers['cache-control']).toBe('no-store')
  for (const name of ['expires', 'surrogate-control', 'cdn-cache-control'])
    expect(page.headers[name]).toBeUndefined()
}

describe.each(NAMES)('/%s', (name) => {
  test('keeps its say for a browser that is told nothing', async () => {
    const page = await new Browser().request('GET', `${rotated.url}/${name}`)
    expect(page.headers['cache-control']).toMatch(KEPT)
    expect(page.headers['set-cookie']).toBeUndefined()
  })

  test('with the cookie of a retired secret: no shared cache keeps it, and it moves elsewhere', async () => {
    const { browser } = await logIn(provider, app.url)
    const page = await browser.request('GET', `${rotated.url}/${name}`)
    expectNotShared(page)
    // Its place is an answer that nobody else is given.
    if (page.headers['cache-control'] !== 'no-store') expect(page.headers['cache-control']).toMatch(KEPT)
    if (setCookieLine(page, 'bff') === undefined) {
      expect(setCookieLine(await browser.request('GET', `${rotated.url}/plain`), 'bff')).toMatch(/^bff=s/)
    }
  })

  test('with a session that invalid_grant ends: no shared cache keeps it', async () => {
    const { browser, user } = await logIn(provider, app.url)
    await ageSession(store, browser, 3601, { idToken: 3601 })
    provider.revokeGrants(user)
    expectNotShared(await browser.request('GET', `${rotated.url}/${name}`))
  })

  test('with an anonymous req.session that begins: no shared cache keeps it', async () => {
    const page = await new Browser().request('GET', `${rotated.url}/${name}?visits`)
    expect(setCookieLine(page, 'bff')).toMatch(/^bff=s/)
    expectNotShared(page)
  })
})
