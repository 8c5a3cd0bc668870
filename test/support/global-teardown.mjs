import { removeMade } from './global-setup.mjs'

export default removeMade
