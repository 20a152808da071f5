import { expect, test } from 'vitest';
import { readsAsEnglish } from '../../../src/memory/languages.ts';

test.each([
  'Ada likes tea',
  'PostgreSQL',
  '10.4.0.17',
  'The café in Kraków closes at six',
  'Anna and Zoë work in Zürich',
  'SELECT * FROM users WHERE id = 5',
  'latency is 20 µs, λ is 3',
  'Los Angeles is big',
  'the en-US locale',
  'run ls -la in /var',
  'return x ? y : z',
  'favourite hot beverage',
  'We met in 東京, and the report about the trip is in the shared folder of the team, as the last time',
  '',
])('reads %j', (text) => {
  expect(readsAsEnglish(text)).toBe(true);
});

test.each([
  'Ada trinkt keinen Kaffee, nur Tee',
  'Das Büro schließt um sechs',
  'El servidor está en Madrid',
  'La réunion est mardi',
  'O escritório fecha às seis',
  'Il ristorante chiude alle sei',
  'Het kantoor sluit om zes uur',
  'Biuro zamyka się o szóstej',
  'Serwer stoi w Gdańsku',
  'Mötet är på tisdag',
  'Ofis saat altıda kapanır',
  'Az iroda hatkor zár',
  'Máy chủ ở Hà Nội',
  'Kantor tutup pada jam enam dan tidak buka lagi',
  'Парковка закрывается в десять',
  'Η μπάρα κλείνει στις δέκα',
  'הפגישה ביום שני',
  'الاجتماع يوم الاثنين',
  'आज बारिश होगी',
  'ბებიას დაბადების დღე',
  'ประตูปิดตอนสี่ทุ่ม',
  '할머니 생신은 오월 삼일이다.',
  '駐車場は夜十時に閉まります',
  '会议在星期一',
  'Staging is 東京',
])('does not read %j', (text) => {
  expect(readsAsEnglish(text)).toBe(false);
});
