export class GroupCoordinator {
  static open(_options: unknown): GroupCoordinator {
    return new GroupCoordinator()
  }
  close(): void {}
  expireOffsets(_now: number): void {}
}
