import { join } from 'node:path'
import type { Display } from './display.ts'

/** Keeps everything that WebKitGTK writes in one folder, and its windows on a display of its own. */
export function webkitEnvironment(profile: string, display: Display): NodeJS.ProcessEnv {
  return {
    ...process.env,
    DISPLAY: display.name,
    WAYLAND_DISPLAY: '',
    GDK_BACKEND: 'x11',
    XDG_DATA_HOME: join(profile, 'data'),
    XDG_CACHE_HOME: join(profile, 'cache'),
    XDG_CONFIG_HOME: join(profile, 'config'),
  }
}
