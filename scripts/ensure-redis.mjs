// Makes sure that the tests have a redis-server binary to start; never starts or touches a running Redis.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const installMinutes = 5

// apt would start a system-wide Redis on 6379, and at every boot: policy-rc.d (and RUNLEVEL=1) say no to the
// first, `update-rc.d disable` to the second. A package source that does not answer must not end it: install decides.
const aptInstall = `
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
timeout ${installMinutes * 60} apt-get install -qq -y --no-install-recommends \\
  -o DPkg::Lock::Timeout=60 -o Dpkg::Use-Pty=0 redis-server
update-rc.d redis-server disable || true
`

/** @param {string} command */
function onPath(command) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return folder !== ''
    } catch {
      return false
    }
  })
}

/** @param {string} command @param {string[]} args */
function run(command, args, env = {}) {
  console.error('No redis-server here: installing it for the tests (not started as a service).')
  // Output goes to stderr, so that `npm test -- --json` keeps stdout to itself.
  const { status } = spawnSync(command, args, {
    stdio: ['ignore', 2, 2],
    timeout: (installMinutes + 3) * 60_000,
    env: { ...process.env, ...env },
  })
  return status === 0
}

function install() {
  if (process.platform === 'linux' && onPath('apt-get')) {
    if (process.getuid?.() === 0) return run('sh', ['-c', aptInstall])
    const mayWithoutPassword = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0
    return mayWithoutPassword && run('sudo', ['-n', 'sh', '-c', aptInstall])
  }
  return onPath('brew') && run('brew', ['install', 'redis'], { HOMEBREW_NO_AUTO_UPDATE: '1' })
}

function lineToType() {
  if (onPath('apt-get')) return 'sudo apt-get update && sudo apt-get install -y redis-server'
  if (onPath('dnf')) return 'sudo dnf install -y redis'
  if (onPath('apk')) return 'sudo apk add redis'
  if (onPath('pacman')) return 'sudo pacman -S --noconfirm redis'
  if (onPath('brew')) return 'brew install redis'
  return 'TEST_REDIS_URL=redis://127.0.0.1:6379/15 npm test'
}

const isThere = () => Boolean(process.env.TEST_REDIS_URL) || onPath('redis-server')

if (!isThere() && !(install() && isThere())) {
  console.error(`The tests need a redis-server. Type:  ${lineToType()}`)
  process.exitCode = 1
}
