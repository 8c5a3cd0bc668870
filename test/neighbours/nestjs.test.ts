// docs/nestjs.md in the project that `nest new` makes: its own tests pass as before, ours too, and it logs people in.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { run } from '../package/run.ts'
import { writeSnippets } from '../package/snippets.ts'
import { startScript } from '../package/start-script.ts'
import { Browser } from '../support/browser/browser.ts'
import { freePort } from '../support/listen.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'
import { registerApp } from './client.ts'
import { npmInstall, npx, SLOW_MS, useFolder } from './install.ts'
import { NEST_CLI } from './versions.ts'

/** What the page says in words. */
const saidInWords = `
import { Test } from '@nestjs/testing'
import { auth, requireAuth } from 'express-bff-session'
import { testOptions } from 'express-bff-session/testing'
import request from 'supertest'
import { AppModule } from './../src/app.module'
import { guard } from './../src/guard'

it('filters, a guard of all controllers, a prefix', async () => {
  const bff = auth(testOptions({ onError: (error, req, res, next) => next(error) }))
  const app = (await Test.createTestingModule({ imports: [AppModule] }).compile()).createNestApplication()
  app.use(bff)
  app.useGlobalGuards(guard(requireAuth()))
  app.setGlobalPrefix('v1')
  await app.init()
  const ask = request(app.getHttpServer())
  await ask.get('/v1').expect(401, { statusCode: 401, message: 'Log in to continue.' })
  await ask.get('/me').expect(200, { authenticated: false })
  await ask.get('/login').expect(302)
  await app.close()
  await bff.close()
})
`

const folder = useFolder()
const project = () => join(folder.path(), 'app')

beforeAll(async () => {
  await npx(folder.path(), NEST_CLI, 'new', 'app', '--package-manager', 'npm', '--skip-install', '--skip-git')
  await npmInstall(project())
  await writeSnippets('docs/nestjs.md', project())
  await writeFile(join(project(), 'test/words.e2e-spec.ts'), saidInWords)
}, SLOW_MS)

/** One of the project's own scripts. What Jest has to say, it says on stderr. */
async function npmRun(script: string): Promise<string> {
  return stripVTControlCharacters(await run(project(), 'sh', '-c', `npm run ${script} 2>&1`))
}

test(
  'npm test',
  async () => {
    expect(await npmRun('test')).toMatch(/^Tests: +1 passed, 1 total$/m)
  },
  SLOW_MS,
)

test(
  'npm run test:e2e: its own test, and the page’s',
  async () => {
    const said = await npmRun('test:e2e')
    expect(said).toMatch(/^PASS test\/app\.e2e-spec\.ts/m)
    expect(said).toMatch(/^PASS test\/account\.e2e-spec\.ts/m)
    expect(said).toMatch(/^Tests: +4 passed, 4 total$/m)
  },
  SLOW_MS,
)

test(
  'sources and tests type-check, which ts-jest leaves out here',
  () =>
    run(project(), process.execPath, 'node_modules/typescript/bin/tsc', '--noEmit', '--incremental', 'false'),
  SLOW_MS,
)

describe('npm run build', () => {
  const { app, provider } = useParts(async (start) => {
    const provider = await start(startProvider())
    await npmRun('build')
    const port = await freePort()
    const url = `http://localhost:${port}`
    const environment = { ...(await registerApp(provider, url)), PORT: `${port}` }
    const script = await start(startScript(project(), ['dist/main.js'], `${url}/me`, environment))
    return { provider, app: { ...script, url } }
  })
  afterEach(() => provider.normal())

  test('a page sends to log in, and shows who came back', async () => {
    const browser = new Browser()
    const page = await browser.logIn(app.url, { path: '/account', user: 'ann' })
    expect([page.url, page.json()]).toEqual([`${app.url}/account`, { sub: 'ann' }])
    expect((await browser.request('GET', `${app.url}/admin`)).json()).toMatchObject({
      code: 'claim_required',
    })
    expect((await browser.request('GET', `${app.url}/userinfo`)).json()).toMatchObject({ sub: 'ann' })
    await browser.request('POST', `${app.url}/logout`)
    expect((await browser.request('GET', `${app.url}/account`)).json()).toMatchObject({
      code: 'login_required',
    })
  })
})
