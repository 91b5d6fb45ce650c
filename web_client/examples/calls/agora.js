// Beside a call by Agora's Web SDK (agora-rtc-sdk-ng 4).

/**
 * @param call the `AgoraRTCClient`, joined
 * @param microphone what `AgoraRTC.createMicrophoneAudioTrack()` gave, published
 * @param {{TingqingClient, server, token, language}} ready of visit.js
 * @returns the client. Call `finish()` when the call ends, `pause()` and `resume()` beside `microphone.setMuted()`
 */
export function listen(call, microphone, { TingqingClient, server, token, language }) {
  const source = microphone.getMediaStreamTrack();
  const client = new TingqingClient({ server, token, source, mode: 'visit', language });
  // After `microphone.setDevice()` the track is another one.
  microphone.on('track-updated', (track) => client.setSource(track));
  call.on('user-published', async (user, kind) => {
    if (kind !== 'audio') return;
    const doctor = await call.subscribe(user, kind);
    client.farEnd(new MediaStream([doctor.getMediaStreamTrack()])); // not the patient's voice
  });
  call.on('user-unpublished', (_user, kind) => kind === 'audio' && client.farEnd(false));
  void client.start();
  return client;
}
