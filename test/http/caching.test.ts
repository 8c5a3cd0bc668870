// What our answers say to caches, below a site that is kept by its CDN: they are one person's, whatever middleware above said,
// and by whatever header (RFC 9111, RFC 9213).
import express, { type Response } from 'express'
import { auth, relay } from '../../src/index.ts'
import { startApiServer } from '../support/app/api-server.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { createLog, setCookieLine } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const KEEP = { 'Surrogate-Control': 'max-age=3600', 'Cache-Control': 'public, max-age=3600' }
const CDN = { ...KEEP, 'CDN-Cache-Control': 'public, max-age=3600' }

/** Middleware above that has its say when the head is written, by means that are none of `setHeader()`. */
const LATE: Record<string, (res: Response) => unknown[]> = {
  append(res) {
    for (const [name, value] of Object.entries(KEEP)) res.appendHeader(name, value)
    return []
  },
  list: () => [Object.entries(KEEP).flat()],
  object: () => [KEEP],
}

const { kept, late } = useParts(async (start) => {
  const [provider, api] = await Promise.all([start(startProvider()), start(startApiServer())])
  const { logger } = createLog()
  api.answer((_req, res) => {
    res.writeHead(200, { ...CDN, 'content-type': 'application/json' }).end('{"balance":1}')
  })
  return {
    kept: await start(
      startOwnApp({ provider, options: { logger } }, (given) => {
        const handler = auth(given)
        const site = express()
        site.use((_req, res, next) => {
          res.set(CDN)
          next()
        })
        site.use(handler)
        site.use('/api', relay({ target: api.url }))
        site.get('/', (_req, res) => void res.send('home'))
        return { app: site, auth: handler }
      }),
    ),
    late: await start(
      startOwnApp({ provider, options: { logger } }, (given) => {
        const handler = auth(given)
        const site = express()
        for (const [name, say] of Object.entries(LATE))
          site.use(`/${name}`, (_req, res, next) => {
            const { writeHead } = res
            res.writeHead = (status: number) => writeHead.call(res, status, ...(say(res) as [never]))
            next()
          })
        site.use(handler)
        site.use((req, _res, next) => {
          req.session.cart = 'seen'
          next()
        })
        site.get('/not-modified', (_req, res) => {
          res.set({ ...KEEP, etag: '"x"', age: '3' }).send('kept')
        })
        site.get('/flushed', (_req, res) => {
          res.setHeaders(new Headers(KEEP))
          res.flushHeaders()
          res.end('kept')
        })
        site.use((_req, res) => void res.send('kept'))
        return { app: site, auth: handler }
      }),
    ),
  }
})

const saidToCaches = ({ headers }: Page) =>
  ['cache-control', 'surrogate-control', 'cdn-cache-control'].map((name) => headers[name])

test('the answer of an API to one person is kept by no cache that others are answered from', async () => {
  const browser = new Browser()
  await browser.logIn(kept.url)
  const [browsers, ...others] = saidToCaches(await browser.request('GET', `${kept.url}/api/x`))
  expect(browsers).toMatch(/private|no-store/)
  expect(others).toEqual([undefined, undefined])
})

test.each(['/me', '/login', '/callback?state=x&code=y', '/logout'])(
  'the answer of %s is kept by none',
  async (path) => {
    const browser = new Browser()
    await browser.logIn(kept.url)
    const page = await browser.navigate(kept.url + path, { stopAt: () => true })
    expect(saidToCaches(page)).toEqual(['no-store', undefined, undefined])
  },
)

describe.each(['GET', 'HEAD'])('the answer to a %s that sets our cookie is kept by none', (method) => {
  test.each([...Object.keys(LATE), 'not-modified', 'flushed'])('/%s', async (name) => {
    const headers = name === 'not-modified' ? { 'if-none-match': '"x"' } : {}
    const page = await new Browser().request(method, `${late.url}/${name}`, { headers })
    expect(setCookieLine(page, 'bff')).toMatch(/^bff=s/)
    // What is appended to it changes nothing: of what differs the strictest holds (RFC 9111 §4.2.1).
    expect(saidToCaches(page)).toEqual([expect.stringMatching(/^no-store\b/), undefined, undefined])
  })
})
