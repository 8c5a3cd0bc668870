// The package as users get it: what is in the tarball, and that an installed copy works, with either Express.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { startDevelopmentProvider } from '../../example-app/development-provider.ts'
import { Browser } from '../support/browser/browser.ts'
import { freePort } from '../support/listen.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { readmeSnippet, snippetsOf } from './snippets.ts'
import { startScript } from './start-script.ts'

const root = join(import.meta.dirname, '../..')
const tsc = join(root, 'node_modules/typescript/bin/tsc')
/** For what waits for npm or tsc. */
const slowMs = 120_000

let folder: string
let tarball: string
/** What is in the tarball. */
let unpacked: string

const run = async (cwd: string, command: string, ...args: string[]) => {
  try {
    return (await promisify(execFile)(command, args, { cwd })).stdout
  } catch (error) {
    // tsc and npm say what is wrong on stdout, which Node.js leaves out of the message.
    const { message, stdout } = error as Error & { stdout?: string }
    throw new Error(`${message}\n${stdout ?? ''}`)
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'express-bff-session-'))
  const project = join(folder, 'project')
  await copyProject(project)
  await build(project)
  await run(project, 'npm', 'pack', '--ignore-scripts', '--pack-destination', folder)
  const packed = (await readdir(folder)).find((file) => file.endsWith('.tgz'))
  tarball = join(folder, packed ?? '')
  unpacked = join(folder, 'unpacked')
  await mkdir(unpacked)
  await run(unpacked, 'tar', '-xzf', tarball)
}, slowMs)

/** So that no other run finds its dist emptied, nor empties this one's. */
async function copyProject(to: string): Promise<void> {
  const left = ['node_modules', '.git', 'dist'].map((name) => join(root, name))
  await cp(root, to, { recursive: true, filter: (file) => !left.includes(file) })
  await symlink(join(root, 'node_modules'), join(to, 'node_modules'))
}

/** As `npm run build` does it, but for the type check, which is none of a tarball's. */
async function build(project: string): Promise<void> {
  const { scripts } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'))
  expect(scripts.prepack).toBe('npm run build')
  const commands = `${scripts.build} && ${scripts['build:browser']}`.split(' && ')
  const compiling = commands.filter((command) => command.startsWith('tsc '))
  expect(compiling).toHaveLength(3)
  for (const command of compiling) {
    await run(project, process.execPath, tsc, ...command.split(' ').slice(1), '--noCheck')
  }
}

afterAll(() => rm(folder, { recursive: true, force: true }))

test('the tarball holds what is meant, and nothing else', async () => {
  const list = (await run(folder, 'tar', '-tzf', tarball)).trim().split('\n')
  const meant = /^package\/(dist\/[\w/-]+(\.js|\.d\.ts)|README\.md|LICENSE|CHANGELOG\.md|package\.json)$/
  expect(list.filter((file) => !meant.test(file))).toEqual([])
  expect(list).toEqual(
    expect.arrayContaining(
      ['dist/index.js', 'dist/index.d.ts', 'README.md', 'LICENSE', 'CHANGELOG.md', 'package.json'].map(
        (file) => `package/${file}`,
      ),
    ),
  )
})

test('what is packed names no path of the machine it was built on, and no source map', async () => {
  const files = await readdir(unpacked, { recursive: true, withFileTypes: true })
  const texts = await Promise.all(
    files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), 'utf8')),
  )
  expect(texts.length).toBeGreaterThan(4)
  const forbidden = [root, folder, 'sourceMappingURL']
  expect(texts.filter((text) => forbidden.some((word) => text.includes(word)))).toEqual([])
})

test('what a browser loads imports nothing, has no comments, and is below 2 kB compressed', async () => {
  const browser = join(unpacked, 'package/dist/browser')
  const files = (await readdir(browser)).filter((file) => file.endsWith('.js'))
  expect(files).toContain('index.js')
  const texts = await Promise.all(files.map((file) => readFile(join(browser, file), 'utf8')))
  for (const text of texts) expect(text).not.toMatch(/\bimport\b|\bfrom\b|\brequire\b|\/\*|^\s*\/\//m)
  const sizes = texts.map((text) => gzipSync(text).length)
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(2000)
  expect(await readFile(join(browser, 'index.d.ts'), 'utf8')).toContain('@throws BffError (401)')
})

test(
  'the browser’s module type-checks as a bundler reads it, and loads where there is no page',
  async () => {
    const page = `import { BffError, fetch, me, onSessionEnd } from 'express-bff-session/browser'
const stop: () => void = onSessionEnd((event) => event.preventDefault())
const name: string | undefined = (await me())?.user.sub
const answer: Response = await fetch('/api/balance')
const isOver = (error: unknown) => error instanceof BffError && error.code === 'session_ended'
// @ts-expect-error there is no such code
const isOdd = (error: BffError) => error.code === 'session_end'
export { answer, isOdd, isOver, name, stop }
`
    const project = join(folder, 'page')
    await mkdir(join(project, 'node_modules'), { recursive: true })
    await symlink(join(unpacked, 'package'), join(project, 'node_modules/express-bff-session'))
    await writeFile(join(project, 'page.ts'), page)
    const options = [
      '--noEmit',
      '--skipDefaultLibCheck',
      '--strict',
      '--target',
      'es2022',
      '--lib',
      'es2022,dom',
      '--module',
      'esnext',
    ]
    await run(project, process.execPath, tsc, ...options, '--moduleResolution', 'bundler', 'page.ts')
    const load = "console.log(typeof (await import(import.meta.resolve('express-bff-session/browser'))).me)"
    expect(await run(project, process.execPath, '--input-type=module', '-e', load)).toBe('function\n')
  },
  slowMs,
)

describe.each(['5', '4'])('in an empty project with Express %s', (express) => {
  const show = 'console.log(typeof auth, typeof requireAuth(), typeof requireFresh())'
  const names = '{ auth, requireAuth, requireFresh }'
  let project: string

  beforeAll(async () => {
    project = join(folder, `express-${express}`)
    await mkdir(project)
    await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }')
    const packages = [tarball, `express@${express}`, `@types/express@${express}`]
    await run(project, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', ...packages)
  }, slowMs)

  test('an installed copy is imported by an ES module', async () => {
    await writeFile(join(project, 'esm.js'), `import ${names} from 'express-bff-session'\n${show}\n`)
    expect(await run(project, process.execPath, 'esm.js')).toBe('function function function\n')
  })

  test('an installed copy is loaded by require()', async () => {
    await writeFile(
      join(project, 'commonjs.cjs'),
      `const ${names} = require('express-bff-session')\n${show}\n`,
    )
    expect(await run(project, process.execPath, 'commonjs.cjs')).toBe('function function function\n')
  })

  const { redis, baseURL } = useParts(async (start) => {
    const port = await freePort()
    const baseURL = new URL(`http://localhost:${port}`)
    const redis = await start(startRedis())
    const provider = await startDevelopmentProvider({ appURL: baseURL.origin })
    await start({ stop: () => provider.close() })
    const values: Record<string, string> = {
      ISSUER_BASE_URL: provider.issuer,
      BASE_URL: baseURL.origin,
      CLIENT_ID: provider.clientID,
      CLIENT_SECRET: provider.clientSecret,
      SECRET: 'a secret of this test that is long enough',
      REDIS_URL: redis.url,
    }
    const environment = readmeSnippet('# .env').replace(
      /^(\w+)=.*$/gm,
      (_, name) => `${name}="${values[name]}"`,
    )
    await writeFile(join(project, '.env'), environment)
    await writeFile(join(project, 'server.mjs'), readmeSnippet('// server.mjs').replace('3000', `${port}`))
    const args = ['--env-file=.env', 'server.mjs']
    await start(startScript(project, args, `${baseURL}me`))
    return { redis, baseURL }
  })

  test('the README snippet, pasted into the project, logs somebody in at the provider of the example', async () => {
    const url = baseURL.origin
    const profile = await new Browser().logIn(url, { path: '/profile', user: 'Newcomer' })
    expect(profile.url).toBe(`${url}/profile`)
    expect(profile.json()).toMatchObject({ sub: expect.any(String), name: 'Newcomer' })
    expect(await redis.connect().keys('bff:{*}:auth')).toHaveLength(1)
  })

  test('the tests of docs/testing.md pass, by node:test', async () => {
    await symlink(join(root, 'node_modules/supertest'), join(project, 'node_modules/supertest'))
    for (const file of ['app.js', 'app.test.js']) {
      const found = snippetsOf('docs/testing.md').find(({ code }) => code.startsWith(`// ${file}`))
      await writeFile(join(project, file), found?.code ?? '')
    }
    const env = { ...process.env, NODE_ENV: 'test', NODE_OPTIONS: '' }
    const args = ['--test', '--test-reporter=tap', 'app.test.js']
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: project, env })
    expect(stdout).toMatch(/^# pass 4$/m)
    expect(stdout).toMatch(/^# fail 0$/m)
  })

  test(
    'an installed copy type-checks under NodeNext, in both module systems',
    async () => {
      const app = `
import ${names} from 'express-bff-session'

const app = express()
app.use(auth())
app.use(auth({ issuerBaseURL: 'https://id.example.com', renewal: { afterSeconds: 60 } }))
app.get('/', requireAuth(), (req, res) => {
  const loggedIn: boolean = req.oidc.isAuthenticated()
  const name: unknown = req.oidc.user?.name
  res.json({ loggedIn, name })
})
app.post('/transfer', requireFresh(), requireFresh({ maxAgeSeconds: 30 }), (req, res) => {
  res.json({ sub: req.oidc.user?.sub })
})
// @ts-expect-error there is no such option
app.use(auth({ issuerBaseUrl: 'https://id.example.com' }))
`
      await writeFile(join(project, 'app.mts'), `import express from 'express'\n${app}`)
      await writeFile(join(project, 'app.cts'), `import express = require('express')\n${app}`)
      const options = [
        '--noEmit',
        '--skipDefaultLibCheck',
        '--strict',
        '--target',
        'es2023',
        '--module',
        'nodenext',
        '--types',
        'node',
      ]
      await run(project, process.execPath, tsc, ...options, 'app.mts', 'app.cts')
    },
    slowMs,
  )
})
