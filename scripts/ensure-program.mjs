// Makes sure that a program which the tests start is on this machine: installs it where that needs no password, else
// prints the one line to type.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * @typedef {object} Program
 * @property {string} name as people know it
 * @property {() => boolean} isThere
 * @property {number} minutes that its installation may take
 * @property {{ apt: string } & Partial<Record<'brew' | 'dnf' | 'apk' | 'pacman', string>>} packages what each package
 * manager is told to install
 * @property {string} [service] what its Debian package would start at every boot
 * @property {string} [otherwise] the line to type where there is none of these package managers
 * @property {boolean} [isOptional] the tests run without it too, if slower
 */

/** The whole path of a command, or undefined. @param {string} command */
export function onPath(command) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, command)).find(isExecutable)
}

/** @param {string} file */
export function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** @param {Program} program */
export function ensureProgram(program) {
  if (program.isThere() || (install(program) && program.isThere()) || program.isOptional) return
  console.error(`The tests need ${program.name}. Type:  ${lineToType(program)}`)
  process.exitCode = 1
}

// apt would start services, and at every boot: policy-rc.d (and RUNLEVEL=1) say no to the first, `update-rc.d disable`
// to the second. A package source that does not answer must not end it: install decides.
/** @param {Program} program */
const aptInstall = ({ packages, service, minutes }) => `
set -e
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' INT TERM HUP
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
fi
timeout 120 apt-get update -qq || true
timeout ${minutes * 60} apt-get install -qq -y --no-install-recommends \\
  -o DPkg::Lock::Timeout=60 -o Dpkg::Use-Pty=0 ${packages.apt}
${service === undefined ? '' : `update-rc.d ${service} disable || true`}
`

/** @param {Program} program */
function install(program) {
  if (process.platform === 'linux' && onPath('apt-get')) {
    if (process.getuid?.() === 0) return run(program, 'sh', ['-c', aptInstall(program)])
    const mayWithoutPassword = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0
    return mayWithoutPassword && run(program, 'sudo', ['-n', 'sh', '-c', aptInstall(program)])
  }
  const { brew: formula } = program.packages
  if (formula === undefined) return false
  const brew = ['install', ...formula.split(' ')]
  return onPath('brew') !== undefined && run(program, 'brew', brew, { HOMEBREW_NO_AUTO_UPDATE: '1' })
}

/** @param {Program} program @param {string} command @param {string[]} args */
function run({ name, minutes }, command, args, env = {}) {
  console.error(`There is no ${name} here: installing it for the tests. That may take some minutes.`)
  // Output goes to stderr, so that `npm test -- --json` keeps stdout to itself.
  const { status } = spawnSync(command, args, {
    stdio: ['ignore', 2, 2],
    timeout: (minutes + 3) * 60_000,
    env: { ...process.env, ...env },
  })
  return status === 0
}

/** @param {Program} program */
function lineToType({ packages, otherwise }) {
  if (onPath('apt-get')) return `sudo apt-get update && sudo apt-get install -y ${packages.apt}`
  if (onPath('dnf')) return `sudo dnf install -y ${packages.dnf}`
  if (onPath('apk')) return `sudo apk add ${packages.apk}`
  if (onPath('pacman')) return `sudo pacman -S --noconfirm ${packages.pacman}`
  if (onPath('brew')) return `brew install ${packages.brew}`
  return otherwise ?? ''
}
