//! What every member of the file trait promises, and what the fake disk may take.

use super::disk::Disk;
use super::fake::Fake;
use super::memory::Memory;
use super::{Files, read_all, replace};
use crate::tests::support::Folder;

fn keeps_the_contract(files: &dyn Files) {
    files.create_dir("log").expect("folder");
    let file = files.open("log/a").expect("open");
    assert!(file.is_empty().expect("length"));
    file.write_at(0, b"head").expect("write");
    file.write_at(6, b"tail").expect("write past the end");
    file.sync().expect("sync");
    assert_eq!(read_all(files, "log/a").expect("read"), b"head\0\0tail");
    assert!(file.read_at(8, &mut [0; 3]).is_err());
    file.set_len(4).expect("cut");
    assert_eq!(files.open("log/a").expect("again").len().expect("length"), 4);
    files.rename("log/a", "log/b").expect("rename");
    assert_eq!(files.list("log").expect("list"), ["b"]);
    assert!(files.exists("log/b").expect("exists") && !files.exists("log/a").expect("exists"));
    replace(files, "log", "b", b"new").expect("replace");
    assert_eq!(read_all(files, "log/b").expect("read"), b"new");
    files.remove("log/b").expect("remove");
    files.sync_dir("log").expect("sync folder");
    assert!(files.list("log").expect("list").is_empty());
    let held = files.lock("LOCK").expect("lock");
    assert!(held.is_some() && files.lock("LOCK").expect("second").is_none());
    drop(held);
    assert!(files.lock("LOCK").expect("third").is_some());
}

#[test]
fn the_disk_keeps_the_contract() {
    let folder = Folder::new("contract-of-files");
    keeps_the_contract(&Disk::new(folder.path()).expect("disk"));
}

#[test]
fn memory_keeps_the_contract() {
    keeps_the_contract(&Memory::default());
}

#[test]
fn the_fake_disk_keeps_the_contract() {
    keeps_the_contract(&Fake::new(1));
}

#[test]
fn a_power_cut_keeps_what_was_synced_and_may_take_the_rest() {
    let mut lost = 0;
    for seed in 0..50 {
        let disk = Fake::new(seed);
        let file = disk.open("a").expect("open");
        disk.sync_dir("").expect("names");
        file.write_at(0, &[1; 2000]).expect("write");
        file.sync().expect("sync");
        file.write_at(2000, &[2; 2000]).expect("write");
        let after = read_all(&disk.cut(), "a").expect("the name was synced");
        assert_eq!(after[..2000], [1; 2000]);
        lost += usize::from(after.len() < 4000 || after[2000..] != [2; 2000]);
    }
    assert!((10..50).contains(&lost), "{lost} of 50 cuts lost something");
}

#[test]
fn a_full_disk_and_a_failed_sync_are_errors() {
    let disk = Fake::new(3);
    let file = disk.open("a").expect("open");
    disk.full_at(Some(10));
    assert!(file.write_at(0, &[0; 11]).is_err());
    disk.full_at(None);
    file.write_at(0, &[0; 11]).expect("room again");
    disk.fail_sync_after(1);
    assert!(file.sync().is_err());
    assert!(file.sync().is_ok());
}
