// Beside a call by Tencent's TRTC Web SDK (trtc-sdk-v5).

/**
 * @param trtc of `TRTC.create()`, after `enterRoom()` and `startLocalAudio()`
 * @param {{TingqingClient, server, token, language}} ready of visit.js
 * @returns the client. Call `finish()` when you leave the room, `pause()` and `resume()` beside
 *   `updateLocalAudio({ mute })`
 */
export function listen(trtc, { TingqingClient, server, token, language }) {
  const client = new TingqingClient({ server, token, source: trtc.getAudioTrack(), mode: 'visit', language });
  // A new track of ours (the device was changed, `userId` is empty) or of the doctor, whose voice is not the patient's.
  trtc.on('track', ({ userId, streamType, track }) => {
    if (track.kind !== 'audio' || streamType === 'sub') return; // `sub`: of a shared screen
    if (userId) client.farEnd(new MediaStream([track]));
    else client.setSource(track);
  });
  trtc.on('remote-audio-unavailable', () => client.farEnd(false));
  void client.start();
  return client;
}
