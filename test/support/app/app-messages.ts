// What a test and an app process say to each other over IPC.
import type { AuthOptions } from '../../../src/index.ts'
import type { AppEvent } from './app-events.ts'

export type ToApp = { type: 'options'; options: AuthOptions } | { type: 'open'; gate: string }

export type FromApp =
  | { type: 'listening'; port: number }
  | { type: 'ready' }
  | { type: 'arrived'; gate: string }
  | { type: 'event'; told: AppEvent }
