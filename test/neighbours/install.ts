// A project of somebody's who has installed the package, with what else they have.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../package/run.ts'
import { PNPM } from './versions.ts'

/** For hooks and tests that wait for npm or a compiler, each of which is given up before. */
export const SLOW_MS = 600_000

/** What was fetched before is not asked for again. */
const OFFLINE_IF = '--prefer-offline'

const tarball = () => process.env.TEST_TARBALL ?? ''

/** A folder for this file's tests. */
export function useFolder(): { path(): string } {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'express-bff-session-neighbours-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return { path: () => folder }
}

export async function npx(folder: string, ...command: string[]): Promise<string> {
  return run(folder, 'npx', '--yes', OFFLINE_IF, ...command)
}

/** Beside what the folder's package.json asks for already. */
export async function npmInstall(folder: string): Promise<void> {
  await run(folder, 'npm', 'install', OFFLINE_IF, '--no-audit', '--no-fund', tarball())
}

/** @param more of package.json */
export async function pnpmInstall(
  folder: string,
  dependencies: Record<string, string>,
  more: object = {},
): Promise<void> {
  await writeProject(folder, { ...dependencies, 'express-bff-session': `file:${tarball()}` }, more)
  await npx(folder, PNPM, 'install', OFFLINE_IF, '--ignore-scripts')
}

export async function writeProject(
  folder: string,
  dependencies: Record<string, string>,
  more: object = {},
): Promise<void> {
  const contents = { private: true, type: 'module', dependencies, ...more }
  await writeFile(join(folder, 'package.json'), JSON.stringify(contents))
}
