// The documentation's site, as `npm run docs` makes it with TypeDoc, and a browser shows it.
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express from 'express'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { addressOf, sitePages } from '../../scripts/docs-site/pages.mjs'
import { run } from '../package/run.ts'
import { type Chromium, startChromium } from '../support/browser/chromium.ts'
import { closeServer, listen } from '../support/listen.ts'
import { createStarted } from '../support/servers.ts'

const root = join(import.meta.dirname, '../..')
const PHONE = { viewport: { width: 390, height: 800 }, isMobile: true, hasTouch: true }
/** TypeDoc compiles all of the sources. */
const slowMs = 180_000

const started = createStarted()
let site: string
let url: string
let chromium: Chromium

beforeAll(async () => {
  site = await mkdtemp(join(tmpdir(), 'express-bff-session-site-'))
  await started.start({ stop: () => rm(site, { recursive: true, force: true }) })
  await run(root, process.execPath, 'scripts/docs-site.mjs', site)
  const server = createServer(express().use(express.static(site)))
  url = `http://localhost:${await listen(server, 'localhost')}`
  await started.start({ stop: () => closeServer(server) })
  chromium = await started.start(startChromium())
}, slowMs)

afterAll(() => started.stop())

async function open(path: string, options?: BrowserContextOptions): Promise<Page> {
  const page = await (await chromium.open(options)).newPage()
  await page.goto(`${url}/${path}`)
  return page
}

test('each entry point has its reference, and each page of the documentation is in the menu', async () => {
  const page = await open('')
  const menu = page.locator('.site-menu')
  for (const name of ['', '_browser', '_testing', '_express-openid-connect'])
    await menu.locator(`a[href$="modules/express-bff-session${name}.html"]`).waitFor()
  for (const { file } of sitePages(root).filter(({ parent }) => parent === undefined))
    await menu.locator(`a[href$="${addressOf(file)}.html"]`).waitFor()
})

test('a word is found in the prose, and leads there', async () => {
  const page = await open('')
  await page.keyboard.press('/')
  await page.getByRole('combobox').fill('renewal_impossible')
  await page.getByRole('option', { name: 'Errors' }).click()
  await page.waitForURL(`${url}/docs/errors.html**`)
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain('Errors')
})

test('a name in the prose leads to the reference', async () => {
  const page = await open('')
  await page.getByRole('link', { name: 'requireFresh()', exact: true }).first().click()
  await page.waitForURL(`${url}/functions/express-bff-session.requireFresh.html`)
})

test.each<['light' | 'dark', boolean]>([
  ['light', true],
  ['dark', false],
])('who wants it %s gets it so', async (colorScheme, isBright) => {
  const page = await open('docs/options.html', { colorScheme })
  const background = await page.evaluate('getComputedStyle(document.body).backgroundColor')
  const [red = 0] = /\d+/.exec(`${background}`) ?? []
  expect(Number(red) > 128).toBe(isBright)
})

test('no page is wider than a phone', async () => {
  const page = await open('', PHONE)
  const files = (await readdir(site, { recursive: true })).filter((file) => file.endsWith('.html'))
  const byLength = files.toSorted((one, other) => other.length - one.length)
  // Of the reference, where all pages are alike, those with the longest names.
  const shown = ['functions', 'classes', 'interfaces', 'types', 'modules'].flatMap((kind) =>
    byLength.filter((file) => file.startsWith(kind)).slice(0, 3),
  )
  shown.push(...files.filter((file) => !/^(?:functions|classes|interfaces|types|modules)\//.test(file)))
  expect(shown.length).toBeGreaterThan(45)
  const wide: string[] = []
  for (const file of shown) {
    await page.goto(`${url}/${file}`, { waitUntil: 'domcontentloaded' })
    // It hides its body for the first moment.
    const width = await page.evaluate(
      "document.body.style.display = '', document.documentElement.scrollWidth",
    )
    if (width !== PHONE.viewport.width) wide.push(file)
  }
  expect(wide).toEqual([])
  expect(chromium.complaints).toEqual([])
  expect(chromium.strangers).toEqual([])
}, 60_000)
