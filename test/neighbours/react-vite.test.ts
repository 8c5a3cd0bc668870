// docs/react-vite.md as a project, its page in Chromium: by Vite's development server, and as it is built.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { run } from '../package/run.ts'
import { writeSnippets } from '../package/snippets.ts'
import { startScript } from '../package/start-script.ts'
import { passProvider, startChromium } from '../support/browser/chromium.ts'
import { freePort } from '../support/listen.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'
import { registerApp } from './client.ts'
import { pnpmInstall, SLOW_MS, useFolder } from './install.ts'
import { exactly } from './versions.ts'

const folder = useFolder()
const VITE = 'node_modules/vite/bin/vite.js'

beforeAll(
  () =>
    pnpmInstall(folder.path(), {
      ...exactly('express', '@types/express', 'vite', '@vitejs/plugin-react', 'typescript'),
      ...exactly('react', 'react-dom', '@types/react', '@types/react-dom'),
    }),
  SLOW_MS,
)

const { provider, chromium, urls } = useParts(async (start) => {
  const [provider, chromium] = await Promise.all([start(startProvider()), start(startChromium())])
  const [express, vite] = [await freePort(), await freePort()]
  await writeSnippets('docs/react-vite.md', folder.path(), (code) =>
    code.replaceAll('5173', `${vite}`).replaceAll('3000', `${express}`),
  )
  const urls = { express: `http://localhost:${express}`, vite: `http://localhost:${vite}` }
  return { provider, chromium, urls }
})
afterEach(() => {
  provider.normal()
  expect(chromium.complaints).toEqual([])
  expect(chromium.strangers.filter((url) => !url.includes('fonts.googleapis.com'))).toEqual([])
})

/** The page's server, for browsers that have it there. */
async function startServer(baseURL: string) {
  const environment = await registerApp(provider, baseURL)
  return startScript(folder.path(), ['server.mjs'], `${urls.express}/me`, environment)
}

async function logIn(page: Page, url: string): Promise<void> {
  await page.goto(url)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.waitForURL(`${provider.issuer}/**`)
  await passProvider(page, { user: 'ada' })
  await page.getByText('Hello ada Example').waitFor()
  expect(page.url()).toBe(`${url}/`)
}

async function useAndLogOut(page: Page, url: string): Promise<void> {
  await page.getByRole('button', { name: 'Balance' }).click()
  await page.locator('output', { hasText: '100' }).waitFor()
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.waitForURL(`${provider.issuer}/**`)
  await passProvider(page)
  await page.getByRole('button', { name: 'Log in' }).waitFor()
  expect(page.url()).toBe(`${url}/`)
}

test(
  'the page’s files type-check',
  async () => {
    const compilerOptions = {
      target: 'es2023',
      module: 'esnext',
      moduleResolution: 'bundler',
      jsx: 'react-jsx',
      types: ['vite/client'],
      checkJs: true,
      strict: true,
      noEmit: true,
      skipLibCheck: true,
    }
    const settings = { compilerOptions, include: ['src', 'vite.config.ts', 'server.mjs'] }
    await writeFile(join(folder.path(), 'tsconfig.json'), JSON.stringify(settings))
    await run(folder.path(), process.execPath, 'node_modules/typescript/bin/tsc', '-p', '.')
  },
  SLOW_MS,
)

describe('through Vite’s development server', () => {
  useParts(async (start) => ({
    server: await start(startServer(urls.vite)),
    vite: await start(startScript(folder.path(), [VITE], urls.vite)),
  }))

  test('somebody logs in, is greeted by the hook, and logs out; changes of the page come meanwhile', async () => {
    const context = await chromium.open()
    const page = await context.newPage()
    await logIn(page, urls.vite)
    await page.evaluate('window.stays = true')
    const file = join(folder.path(), 'src/app.tsx')
    const before = await readFile(file, 'utf8')
    await writeFile(file, before.replace('Hello', 'Good day'))
    await page.getByText('Good day ada Example').waitFor()
    await writeFile(file, before)
    await page.getByText('Hello ada Example').waitFor()
    expect(await page.evaluate('window.stays')).toBe(true)
    await useAndLogOut(page, urls.vite)
    await context.close()
  })
})

describe('as it is built', () => {
  useParts(async (start) => {
    await run(folder.path(), process.execPath, VITE, 'build')
    return { server: await start(startServer(urls.express)) }
  })

  test('Express has the page too', async () => {
    const context = await chromium.open()
    const page = await context.newPage()
    await logIn(page, urls.express)
    await useAndLogOut(page, urls.express)
    await context.close()
  })
})
