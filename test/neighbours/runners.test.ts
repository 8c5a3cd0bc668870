// docs/testing.md in the test runners that people have; in node:test, test/package/packed-copy.ts runs it.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { transformSync } from 'esbuild'
import { run } from '../package/run.ts'
import { readPage, writeSnippets } from '../package/snippets.ts'
import { pnpmInstall, SLOW_MS, useFolder } from './install.ts'
import { exactly } from './versions.ts'

const PAGE = 'docs/testing.md'
const OF_NODE_TEST = /^import \{ after, test \} from 'node:test'$/m
const rows = [...readPage(PAGE).matchAll(/^\| ([^|`]+) \| `([^`]+)` \| `(import [^`]+)` \|$/gm)].map(
  ([, runner = '', command = '', line = '']) => ({ runner, command, line }),
)

const folder = useFolder()
const bin = () => join(folder.path(), 'node_modules/.bin')

beforeAll(
  () => pnpmInstall(folder.path(), exactly('express', 'jest', 'supertest', 'vite', 'vitest')),
  SLOW_MS,
)

test('the page’s table has three other runners', () => {
  expect(rows.map(({ command }) => command)).toEqual([
    'vitest run',
    'NODE_OPTIONS=--experimental-vm-modules jest',
    'jest',
  ])
})

test.each(rows)(
  'its tests pass in $runner: $command',
  async ({ command, line }) => {
    const isCommonJS = command === 'jest'
    const project = join(folder.path(), command.replaceAll(/\W+/g, '-'))
    await mkdir(project)
    await writeFile(join(project, 'package.json'), JSON.stringify(isCommonJS ? {} : { type: 'module' }))
    await writeSnippets(PAGE, project, (code, name) => {
      if (name === 'global-setup.js') return code
      if (name !== 'app.js') expect(code).toMatch(OF_NODE_TEST)
      const own = code.replace(OF_NODE_TEST, line)
      // As Babel does.
      return isCommonJS ? transformSync(own, { format: 'cjs' }).code : own
    })
    const said = await run(project, 'sh', '-c', `PATH="${bin()}:$PATH" ${command} 2>&1`)
    expect(stripVTControlCharacters(said)).toMatch(/^ *Tests:? +6 passed/m)
  },
  SLOW_MS,
)
