/** The microphones of this device, for a choice. */

/** @typedef {{id: string, name: string, used: boolean}} InputDevice `name`: the browser's own, perhaps empty */

/** @param {string} used id of the one in use @returns {Promise<InputDevice[]>} */
export async function inputDevices(used) {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return all
    .filter(({ kind, deviceId }) => kind === 'audioinput' && deviceId !== '')
    .map(({ deviceId, label }) => ({ id: deviceId, name: label, used: deviceId === used }));
}
