/** Which of the other microphones hears somebody, while the one in use is silent. */

import { Microphone } from './microphone.js';

/** A voice in the room reaches any microphone that is on with more than this, dBFS. */
const HEARS_DBFS = -55;
const LISTEN_MS = 1500;

/**
 * @typedef {{id: string, name: string, used: boolean}} Device
 *
 * One after the other, for 1.5 s each; nothing is kept.
 * @param {Device[]} devices
 * @returns {Promise<Device | null>} the first that hears somebody
 */
export async function oneThatHears(devices) {
  for (const device of devices.filter(({ used }) => !used)) if (await hears(device.id)) return device;
  return null;
}

/** @param {string} deviceId @returns {Promise<boolean>} */
async function hears(deviceId) {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: { deviceId: { exact: deviceId } } });
  } catch {
    return false;
  }
  const [track] = stream.getAudioTracks();
  if (!track) return false;
  const loudest = 32768 * 10 ** (HEARS_DBFS / 20);
  let heard = false;
  const onPcm = (/** @type {Int16Array} */ pcm) => void (heard ||= pcm.some((sample) => Math.abs(sample) > loudest));
  const ear = new Microphone(track, true, { onPcm, onSilent: () => {}, onInterrupted: () => {} });
  try {
    await ear.start();
    await new Promise((resolve) => {
      setTimeout(resolve, LISTEN_MS);
    });
  } catch {
    return false;
  } finally {
    ear.stop();
  }
  return heard;
}
