// The tests of a project that has an installed copy of the package, whoever has installed it.
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startDevelopmentProvider } from '../../example-app/development-provider.ts'
import { Browser } from '../support/browser/browser.ts'
import { freePort } from '../support/listen.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { run } from './run.ts'
import { readmeSnippet, readPage, writeSnippets } from './snippets.ts'
import { startScript } from './start-script.ts'

const root = join(import.meta.dirname, '../..')
const jest = join(root, 'node_modules/jest/bin/jest.js')

const jestTest = `
const { once } = require('node:events')
const express = require('express')
const { auth, requireAuth } = require('express-bff-session')
const { BffError } = require('express-bff-session/browser')
const { requiresAuth } = require('express-bff-session/express-openid-connect')

test('nobody is logged in', async () => {
  const app = express()
  const bff = auth({
    issuerBaseURL: 'https://id.example.com',
    baseURL: 'http://localhost:3000',
    clientID: 'client',
    clientSecret: 'a secret of the client',
    secret: 'a secret of this test that is long enough',
  })
  app.use(bff)
  app.get('/', requireAuth(), (req, res) => res.end())
  app.get('/there', requiresAuth(), (req, res) => res.end())
  const server = app.listen(0)
  await once(server, 'listening')
  const answer = await fetch('http://localhost:' + server.address().port)
  expect([answer.status, (await answer.json()).code]).toEqual([401, 'login_required'])
  const headers = { accept: 'application/json' }
  const there = await fetch('http://localhost:' + server.address().port + '/there', { headers })
  expect([there.status, await there.text()]).toEqual([401, expect.stringMatching('LoginRequiredError: Authentication is required')])
  expect(typeof BffError).toBe('function')
  server.close()
  await Promise.all([once(server, 'close'), bff.close()])
})
`

/** @param find where the project is, which is of type "module", as soon as hooks run */
export function testPackedCopy(find: () => string): void {
  const show = 'console.log(typeof auth, typeof requireAuth(), typeof requireFresh())'
  const names = '{ auth, requireAuth, requireFresh }'
  const node = async (file: string, script: string) => {
    await writeFile(join(find(), file), script)
    return run(find(), process.execPath, file)
  }

  test('its command runs', async () => {
    const installed = join(find(), 'node_modules/express-bff-session')
    const { bin } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))
    const command = join(installed, bin['express-bff-session'])
    expect(await readFile(command, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
    expect(await run(find(), process.execPath, command, 'doctor', '--help')).toMatch(/^Usage: /)
  })

  test('an installed copy is imported by an ES module', async () => {
    expect(await node('esm.js', `import ${names} from 'express-bff-session'\n${show}\n`)).toBe(
      'function function function\n',
    )
  })

  test('an installed copy is loaded by require()', async () => {
    expect(await node('commonjs.cjs', `const ${names} = require('express-bff-session')\n${show}\n`)).toBe(
      'function function function\n',
    )
  })

  test('import and require() give one and the same in Node.js, without a warning', async () => {
    const script = `process.on('warning', (warning) => console.log(warning.message))
import('express-bff-session').then((imported) => console.log(imported.auth === require('express-bff-session').auth))
`
    expect(await node('one.cjs', script)).toBe('true\n')
  })

  test('an error of what require() loads elsewhere is known to what is imported', async () => {
    const script = `import { ConfigurationError, auth, isAuthError } from 'express-bff-session'
import bundle from './node_modules/express-bff-session/dist/index.cjs'
try {
  bundle.auth({})
} catch (error) {
  console.log(bundle.auth === auth, isAuthError(error), error instanceof ConfigurationError)
}
`
    expect(await node('both.mjs', script)).toBe('false true true\n')
  })

  test.each([
    ['import', 'traced.mjs', `import ${names} from 'express-bff-session'`],
    [
      'require()',
      'traced.cjs',
      `const ${names} = require('./node_modules/express-bff-session/dist/index.cjs')`,
    ],
  ])(
    'with --enable-source-maps, a stack trace by %s names the line of the source',
    async (_by, file, load) => {
      await writeFile(
        join(find(), file),
        `${load}\ntry { auth({}) } catch ({ stack }) { console.log(stack) }\n`,
      )
      const stack = await run(find(), process.execPath, '--enable-source-maps', file)
      const [, source = '', line] = /\/(src\/[\w/-]+\.ts):(\d+):\d+/.exec(stack) ?? []
      expect(readPage(source).split('\n')[Number(line) - 1]).toMatch(/new ConfigurationError\(/)
    },
  )

  test('a plain Jest, in its CommonJS mode, requires it and is refused by a guard', async () => {
    const tests = join(find(), 'jest')
    await mkdir(tests)
    await writeFile(join(tests, 'guard.test.js'), jestTest)
    await writeFile(join(tests, 'package.json'), '{ "private": true, "jest": { "transform": {} } }')
    await run(tests, process.execPath, jest, '--cache=false')
  })

  test('the tests of docs/testing.md pass, by node:test', async () => {
    await symlink(join(root, 'node_modules/supertest'), join(find(), 'node_modules/supertest'))
    await writeSnippets('docs/testing.md', find())
    const args = ['--test', '--test-reporter=tap', 'app.test.js', 'api.test.js']
    const stdout = await run(find(), 'env', 'NODE_ENV=test', process.execPath, ...args)
    expect(stdout).toMatch(/^# pass 6$/m)
    expect(stdout).toMatch(/^# fail 0$/m)
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
    await writeFile(join(find(), '.env'), environment)
    await writeFile(join(find(), 'server.mjs'), readmeSnippet('// server.mjs').replace('3000', `${port}`))
    const args = ['--env-file=.env', 'server.mjs']
    await start(startScript(find(), args, `${baseURL}me`))
    return { redis, baseURL }
  })

  test('the README snippet, pasted into the project, logs somebody in at the provider of the example', async () => {
    const url = baseURL.origin
    const profile = await new Browser().logIn(url, { path: '/profile', user: 'Newcomer' })
    expect(profile.url).toBe(`${url}/profile`)
    expect(profile.json()).toMatchObject({ sub: expect.any(String), name: 'Newcomer' })
    expect(await redis.connect().keys('bff:{*}:auth')).toHaveLength(1)
  })
}
