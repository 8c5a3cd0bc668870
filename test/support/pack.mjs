// The package as users get it, from a copy of the project.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const tsc = join(root, 'node_modules/@typescript/native/bin/tsc')

/**
 * @typedef {object} Packed
 * @property {string} tarball
 * @property {string} unpacked the folder that has the tarball's `package` in it
 */

/**
 * @param {string} folder where all of it goes
 * @returns {Packed}
 */
export function pack(folder) {
  const project = join(folder, 'project')
  copyProject(project)
  build(project)
  run(project, 'npm', 'pack', '--ignore-scripts', '--pack-destination', folder)
  const tarball = join(folder, readdirSync(folder).find((file) => file.endsWith('.tgz')) ?? '')
  const unpacked = join(folder, 'unpacked')
  mkdirSync(unpacked)
  run(unpacked, 'tar', '-xzf', tarball)
  return { tarball, unpacked }
}

/** So that no other run finds its dist emptied, nor empties this one's. @param {string} to */
function copyProject(to) {
  const left = ['node_modules', '.git', 'dist'].map((name) => join(root, name))
  cpSync(root, to, { recursive: true, filter: (file) => !left.includes(file) })
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'))
}

/** As `npm run build` does it, but for the type check, which is none of a tarball's. @param {string} project */
function build(project) {
  const { scripts } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
  assert.equal(scripts.prepack, 'npm run build')
  const commands = `${scripts.build} && ${scripts['build:browser']}`.split(' && ')
  const compiling = commands.filter((command) => command.startsWith('tsc '))
  assert.equal(compiling.length, 3)
  for (const command of compiling) {
    run(project, process.execPath, tsc, ...command.split(' ').slice(1), '--noCheck')
  }
  assert.match(scripts.build, / && node scripts\/build-commonjs\.mjs$/)
  run(project, process.execPath, 'scripts/build-commonjs.mjs')
}

/** @param {string} cwd @param {string} command @param {string[]} args */
function run(cwd, command, ...args) {
  try {
    execFileSync(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    // tsc and npm say what is wrong on stdout, which Node.js leaves out of the message.
    const { message, stdout } = /** @type {Error & { stdout?: Buffer }} */ (error)
    throw new Error(`${message}\n${stdout ?? ''}`)
  }
}
