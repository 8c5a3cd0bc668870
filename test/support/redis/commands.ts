// Which command, and which of the project's scripts, a request to Redis is.
import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { AuthEventEmitter } from '../../../src/events/events.ts'
import { createBatchedLookups } from '../../../src/store/redis/batched-lookups.ts'
import type { RedisConnection } from '../../../src/store/redis/connection.ts'
import { defineScripts, type ScriptName as ScriptThatChanges } from '../../../src/store/redis/scripts.ts'

export type ScriptName = ScriptThatChanges | 'find'

/** Accepts a command by its words, the name first, as they were sent. */
export type Match = (args: string[]) => boolean

// ioredis sends a script's text first, on every connection, and its hash from then on.
const names = new Map<string, ScriptName>()
const recorder = {
  defineCommand(command: string, { lua }: { lua: string }) {
    const name = command.replace(/^.*_/, '') as ScriptName
    names.set(lua, name)
    names.set(createHash('sha1').update(lua).digest('hex'), name)
  },
}
defineScripts(recorder as unknown as Redis)
createBatchedLookups({ redis: recorder } as unknown as RedisConnection, new AuthEventEmitter())

/** One of the project's scripts, by text or by hash. */
export function isScript(...wanted: ScriptName[]): Match {
  return (args) => wanted.some((name) => name === scriptOf(args))
}

/** The mark that a group of sessions was ended. */
export const isMark: Match = (args) => isCommand('eval', 'evalsha')(args) && /^bff:ended:/.test(args[3] ?? '')

/** A command by its name, whatever its case. */
export function isCommand(...wanted: string[]): Match {
  return ([name = '']) => wanted.some((each) => each.toLowerCase() === name.toLowerCase())
}

export function scriptOf([command = '', script = '']: string[]): ScriptName | undefined {
  return /^eval(sha)?$/i.test(command) ? names.get(script) : undefined
}
