// Installed by pnpm, where a project finds what it has asked for and nothing else: the types, by each TypeScript that people have.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pnpmInstall, SLOW_MS, useFolder } from './install.ts'
import { typeCheck } from './typed-app.ts'
import { exactly, expressOf, type Neighbour } from './versions.ts'

/** Each Express with old and new, and each way of resolving modules with one of them. */
const compilers = {
  '5': [
    ['typescript', { module: 'nodenext' }],
    ['typescript-6', { module: 'esnext', moduleResolution: 'bundler' }],
    ['typescript-7', { module: 'nodenext', exactOptionalPropertyTypes: true }],
  ],
  '4': [
    ['typescript-5.5', { module: 'node16' }],
    ['typescript', { module: 'commonjs', moduleResolution: 'node10' }],
    ['typescript-7', { module: 'nodenext' }],
  ],
} satisfies Record<'4' | '5', [Neighbour, object][]>

const folder = useFolder()

describe.each(['5', '4'] as const)('beside Express %s, where nothing is hoisted', (express) => {
  let project: string

  beforeAll(async () => {
    project = join(folder.path(), `express-${express}`)
    await mkdir(project)
    const asked = compilers[express].map(([name]) => name as Neighbour)
    await pnpmInstall(project, { ...expressOf(express), ...exactly(...asked) })
  }, SLOW_MS)

  test.each(compilers[express].map(([name, options]) => ({ name: name as Neighbour, options })))(
    '$name type-checks it by $options',
    ({ name, options }) => typeCheck(project, name, options),
    SLOW_MS,
  )
})
