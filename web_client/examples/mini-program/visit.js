// A page of a mini-program: pages/visit/visit.js, with client/, language/ and protocol/ of web_client beside pages/.
import { MiniProgramClient } from '../../client/mini-program.js';

const BACKEND = 'https://localhost:8444/'; // yours, among the request domains; Tingqing's server among the socket domains

/** Shown at once; everything else that a patient reads comes in words from client and server. */
const WORDS = {
  asking: '请允许使用话筒。',
  connecting: '正在连接……',
  live: '正在听，请说话。',
  paused: '已暂停，结束通话后会自动继续。',
  reconnecting: '网络已断开，正在重新连接。',
  ending: '正在听您最后说的几句话……',
  ended: '会话已结束。',
};

Page({
  data: { state: 'idle', text: '点击“开始”，像平常一样说话。', prompt: null },

  /** In the tap on 开始: a token of our own backend, then the recorder. */
  start() {
    this.setData({ state: 'asking', text: WORDS.asking });
    wx.request({
      url: `${BACKEND}visit`,
      method: 'POST',
      success: ({ statusCode, data }) => {
        if (statusCode === 200) this.listen(data);
        else this.setData({ state: 'idle', text: '暂时连接不上，请稍后再试。' }); // 503: busy
      },
      fail: () => this.setData({ state: 'idle', text: '网络不通，请稍后再试。' }),
    });
  },

  listen({ server, token }) {
    const client = new MiniProgramClient(wx, { server, token, mode: 'visit', language: 'zh-CN' });
    this.client = client;
    client.on('state', (state) => {
      const text = state.kind === 'failed' ? state.failure.remedy.zh : (WORDS[state.kind] ?? '');
      this.setData({ state: state.kind, text, prompt: null });
    });
    client.on('message', (message) => {
      if (message.type === 'prompt.raised' && message.audience === 'patient') this.setData({ prompt: message });
      if (message.type === 'prompt.cleared' && message.id === this.data.prompt?.id) this.setData({ prompt: null });
      if (message.type === 'session.ended') this.setData({ text: verdictOf(message.result) });
    });
    client.start();
  },

  notNow() {
    this.client.snooze(this.data.prompt.id);
    this.setData({ prompt: null });
  },

  finish() {
    this.client.finish();
  },

  /** The patient goes back: what was said is judged. */
  onUnload() {
    this.client?.finish();
  },
});

function verdictOf(result) {
  return result?.overall.verdict === 'accept' ? '录音很清楚，可以给医生听。' : '没能听清，请医生再发起一次。';
}
