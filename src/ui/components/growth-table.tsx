import type { Period } from '../into-periods.ts';

/** The numbers of the chart. */
export function GrowthTable({ periods }: { readonly periods: readonly Period[] }) {
  return (
    <details>
      <summary>As a table</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col" class="number">
              Added
            </th>
            <th scope="col" class="number">
              All
            </th>
          </tr>
        </thead>
        <tbody>
          {periods.map(({ day, added, total }) => (
            <tr key={day}>
              <th scope="row">{day}</th>
              <td class="number">{added.toLocaleString()}</td>
              <td class="number">{total.toLocaleString()}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
