// Installed by npm into an empty project, with either Express.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { testPackedCopy } from '../package/packed-copy.ts'
import { npmInstall, SLOW_MS, useFolder, writeProject } from './install.ts'
import { typeCheck } from './typed-app.ts'
import { exactly, expressOf } from './versions.ts'

const folder = useFolder()

describe.each(['5', '4'] as const)('in an empty project with Express %s', (express) => {
  let project: string

  beforeAll(async () => {
    project = join(folder.path(), `express-${express}`)
    await mkdir(project)
    await writeProject(project, { ...expressOf(express), ...exactly('typescript-7') })
    await npmInstall(project)
  }, SLOW_MS)

  testPackedCopy(() => project)

  test(
    'what npm has laid out type-checks, with no types that are loaded by themselves',
    () => typeCheck(project, 'typescript-7', { module: 'nodenext' }),
    SLOW_MS,
  )
})
