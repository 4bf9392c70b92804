# Ten pool tags whose objects are made together are one finding, its members named in its evidence.
@copy src/source/seep/seeds/small.seep tags.seep
@sql tags.seep DELETE FROM event; DELETE FROM field; DELETE FROM chunk; DELETE FROM series
@sql tags.seep WITH RECURSIVE w(i) AS (SELECT 21 UNION ALL SELECT i+1 FROM w WHERE i<240) INSERT INTO tick SELECT i,1,1,1700001000000000000+(i-1)*60000000000 FROM w
@sql tags.seep CREATE TABLE g AS WITH RECURSIVE w(i,v,u) AS (SELECT 0,0,0 UNION ALL SELECT i+1,v+((i*7919)%23)*((i*104729)%29),u+((i*6007)%31)*((i*3571)%19) FROM w WHERE i<239) SELECT i,v,u FROM w
@sql tags.seep CREATE TABLE t(id INTEGER PRIMARY KEY,name,size); INSERT INTO t(name,size) VALUES('Filt',800),('File',176),('IoNm',96),('MmCa',64),('Ntff',56),('FMsl',48),('Vad ',40),('AlIn',32),('Mdl ',32),('CcSc',24)
@sql tags.seep INSERT INTO series SELECT id,1,1,'pool-tag',NULL,name,'nonpaged_pool_bytes','NonPagedUsed' FROM t
@sql tags.seep INSERT INTO series VALUES(11,1,1,'pool-tag',NULL,'Else','nonpaged_pool_bytes','NonPagedUsed'),(12,1,1,'machine',NULL,NULL,'nonpaged_pool_bytes','PoolNonpagedBytes')
@sql tags.seep INSERT INTO chunk SELECT t.id,t.id,1,1,240,240,json_group_object(i,20971520+v*size) FROM t,g GROUP BY t.id
@sql tags.seep INSERT INTO chunk SELECT 11,11,1,1,240,240,json_group_object(i,20971520+u*900) FROM g
@sql tags.seep INSERT INTO chunk SELECT 12,12,1,1,240,240,json_group_object(i,251658240+v*1368+u*900) FROM g
@sql tags.seep DROP TABLE g; DROP TABLE t
$ seep analyze tags.seep --json --all
? 1
@schema analyze
@json verdict = "leaking"
@json findings[0].id = "nonpaged-pool/Filt"
@json findings[0].verdict = "leaking"
@json findings[0].evidence ~ pool tag File grows in lockstep with it
@json findings[0].evidence ~ pool tag IoNm grows in lockstep with it
@json findings[0].evidence ~ pool tag MmCa grows in lockstep with it
@json findings[0].evidence ~ pool tag Ntff grows in lockstep with it
@json findings[0].evidence ~ pool tag FMsl grows in lockstep with it
@json findings[0].evidence ~ pool tag Vad  grows in lockstep with it
@json findings[0].evidence ~ pool tag AlIn grows in lockstep with it
@json findings[0].evidence ~ pool tag Mdl  grows in lockstep with it
@json findings[0].evidence ~ pool tag CcSc grows in lockstep with it
@json findings[1].id = "nonpaged-pool/Else"
@json findings[1].verdict = "leaking"
@json findings[0].evidence ~ the machine's nonpaged pool grew with it
@json findings[0].share ~ ^0.6
@json findings[2].verdict = "steady"
@json findings[11].verdict = "steady"
@json findings[11].evidence ~ in lockstep with pool tag Filt|is explained by
$ seep analyze tags.seep
? 1
  LEAKING  pool tag Filt \(fltmgr.sys\): nonpaged pool .* (re)
           class     nonpaged-pool; 62 % of the machine's growth of this kind
  ...
                     pool tag File grows in lockstep with it: 5.45 MB more, 1.52
  ...
                     the machine's nonpaged pool grew with it: 241 MB to 314 MB
  ...
  LEAKING  pool tag Else: nonpaged pool .* (re)
  ...
  observed  SRV01, Windows 10.0.20348, 12 series over 3 h 59 min, 2023-11-14
  ...
# With the process that holds the objects it is that process, and the tags are what it costs.
@sql tags.seep INSERT INTO series VALUES(13,1,1,'process',1,NULL,'handles','HandleCount')
@sql tags.seep INSERT INTO chunk SELECT 13,13,1,1,240,240,json_group_object(key,300+(value-20971520)/800) FROM chunk,json_each(points) WHERE series_id=1
$ seep analyze tags.seep --json
? 1
@schema analyze
@json findings[0].id = "handles/app.exe:1948"
@json findings[0].verdict = "leaking"
@json findings[0].evidence ~ pool tag Filt grows in lockstep with it
@json findings[0].evidence ~ pool tag CcSc grows in lockstep with it
@json findings[0].evidence ~ the machine's nonpaged pool grew with it
@json findings[1].id = "nonpaged-pool/Else"
@json findings ~ ^(?!.*nonpaged-pool/machine)
# Its memory goes up and down with the tags: the same.
@sql tags.seep UPDATE series SET metric='private_bytes', counter='PagefileUsage' WHERE id=13; UPDATE chunk SET points=(SELECT json_group_object(key,20971520+(value-300)*4096) FROM json_each(points)) WHERE series_id=13
$ seep analyze tags.seep --json
? 1
@json findings[0].id = "private-data/app.exe:1948"
@json findings[0].evidence ~ pool tag Filt grows in lockstep with it
@json findings[1].id = "nonpaged-pool/Else"
