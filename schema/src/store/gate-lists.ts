/**
 * What a statement without credentials may use, as data. Whatever is not named here is refused: a new function of the
 * engine is refused until somebody has read what it does. Left out on purpose: what reads files, hosts, settings, other
 * databases or the process; what only takes time (sleep); formats of rows; dictionaries; models; vectorscan's multiMatch.
 * Names are in lower case: the engine takes some in any case, and none that it does not know.
 */
const names = (text: string): readonly string[] => text.trim().split(/\s+/);

const conversion = names(`
  accuratecast accuratecastordefault accuratecastornull and assumenotnull casewithoutexpr casewithoutexpression cast
  clamp coalesce date equals firstnondefault fromunixtimestamp64micro fromunixtimestamp64milli
  fromunixtimestamp64nano fromunixtimestamp64second globalin globalinignoreset globalnotin globalnotinignoreset
  globalnotnullin globalnotnullinignoreset globalnullin globalnullinignoreset greater greaterorequals greatest if
  ifnull in inignoreset isdistinctfrom isnotdistinctfrom isnotnull isnull isnullable iszeroornull least less
  lessorequals multiif not notequals notin notinignoreset notnullin notnullinignoreset nullif nullin nullinignoreset
  or parsedatetime parsedatetime32besteffort parsedatetime32besteffortornull parsedatetime32besteffortorzero
  parsedatetime64 parsedatetime64besteffort parsedatetime64besteffortornull parsedatetime64besteffortorzero
  parsedatetime64besteffortus parsedatetime64besteffortusornull parsedatetime64besteffortusorzero
  parsedatetime64injodasyntax parsedatetime64injodasyntaxornull parsedatetime64injodasyntaxorzero
  parsedatetime64ornull parsedatetime64orzero parsedatetimebesteffort parsedatetimebesteffortornull
  parsedatetimebesteffortorzero parsedatetimebesteffortus parsedatetimebesteffortusornull
  parsedatetimebesteffortusorzero parsedatetimeinjodasyntax parsedatetimeinjodasyntaxornull
  parsedatetimeinjodasyntaxorzero parsedatetimeornull parsedatetimeorzero reinterpret reinterpretasdate
  reinterpretasdatetime reinterpretasfixedstring reinterpretasfloat32 reinterpretasfloat64 reinterpretasint128
  reinterpretasint16 reinterpretasint256 reinterpretasint32 reinterpretasint64 reinterpretasint8 reinterpretasstring
  reinterpretasuint128 reinterpretasuint16 reinterpretasuint256 reinterpretasuint32 reinterpretasuint64
  reinterpretasuint8 reinterpretasuuid str_to_date to_unixtime tobfloat16 tobfloat16ornull tobfloat16orzero tobool
  todate todate32 todate32ordefault todate32ornull todate32orzero todateordefault todateornull todateorzero
  todatetime todatetime32 todatetime64 todatetime64ordefault todatetime64ornull todatetime64orzero
  todatetimeordefault todatetimeornull todatetimeorzero todecimal128 todecimal128ordefault todecimal128ornull
  todecimal128orzero todecimal256 todecimal256ordefault todecimal256ornull todecimal256orzero todecimal32
  todecimal32ordefault todecimal32ornull todecimal32orzero todecimal64 todecimal64ordefault todecimal64ornull
  todecimal64orzero todecimalstring tofixedstring tofloat32 tofloat32ordefault tofloat32ornull tofloat32orzero
  tofloat64 tofloat64ordefault tofloat64ornull tofloat64orzero toint128 toint128ordefault toint128ornull
  toint128orzero toint16 toint16ordefault toint16ornull toint16orzero toint256 toint256ordefault toint256ornull
  toint256orzero toint32 toint32ordefault toint32ornull toint32orzero toint64 toint64ordefault toint64ornull
  toint64orzero toint8 toint8ordefault toint8ornull toint8orzero tointerval tointervalday tointervalhour
  tointervalmicrosecond tointervalmillisecond tointervalminute tointervalmonth tointervalnanosecond
  tointervalquarter tointervalsecond tointervalweek tointervalyear tolowcardinality tonullable tostring
  tostringcuttozero totime totime64 totime64ornull totime64orzero totimeornull totimeorzero touint128
  touint128ordefault touint128ornull touint128orzero touint16 touint16ordefault touint16ornull touint16orzero
  touint256 touint256ordefault touint256ornull touint256orzero touint32 touint32ordefault touint32ornull
  touint32orzero touint64 touint64ordefault touint64ornull touint64orzero touint8 touint8ordefault touint8ornull
  touint8orzero tounixtimestamp64micro tounixtimestamp64milli tounixtimestamp64nano tounixtimestamp64second touuid
  touuidorzero xor
`);

const arithmetic = names(`
  abs acos acosh asin asinh atan atan2 atanh avg2 bitand bitcount bithammingdistance bitnot bitor bitrotateleft
  bitrotateright bitshiftleft bitshiftright bitslice bittest bittestall bittestany bitxor byteswap cbrt ceil ceiling
  cos cosh cosinedistance cosinedistancetransposed cosinedistancetransposedquantized degrees distancecosine
  distancecosinetransposed distancel1 distancel2 distancel2squared distancel2transposed distancelinf distancelp
  divide dividedecimal divideornull dotproducttransposed dotproducttransposedquantized e erf erfc exp exp10 exp2
  factorial financialinternalrateofreturn financialinternalrateofreturnextended financialnetpresentvalue
  financialnetpresentvalueextended floor gcd hypot ifnotfinite intdiv intdivornull intdivorzero intexp10 intexp2
  isfinite isinfinite isnan isprime isprobableprime l1distance l1norm l1normalize l2distance l2distancetransposed
  l2distancetransposedquantized l2norm l2normalize l2squareddistance l2squarednorm lcm lgamma linfdistance linfnorm
  linfnormalize ln log log10 log1p log2 lpdistance lpnorm lpnormalize max2 midpoint min2 minus mod modornull modulo
  modulolegacy moduloornull moduloorzero multiply multiplydecimal negate normalizel1 normalizel2 normalizelinf
  normalizelp norml1 norml2 norml2squared normlinf normlp pi plus pmod pmodornull positive_modulo
  positive_modulo_or_null positivemodulo positivemoduloornull pow power proportionsztest radians rand rand32 rand64
  randbernoulli randbinomial randcanonical randchisquared randconstant randexponential randfisherf randlognormal
  randnegativebinomial randnormal randomfixedstring randomprintableascii randomstring randomstringutf8 randpoisson
  randstudentt randuniform round roundage roundbankers rounddown roundduration roundtoexp2 scalarproducttransposed
  sigmoid sign sin sinh sqr sqrt tan tanh tgamma trunc truncate width_bucket widthbucket
`);

const time = names(`
  adddate adddays addhours addinterval addmicroseconds addmilliseconds addminutes addmonths addnanoseconds
  addquarters addseconds addtupleofintervals addweeks addyears age changeday changehour changeminute changemonth
  changesecond changeyear curdate current_date current_timestamp date_bin date_diff date_format date_trunc datediff
  datename datetime64tosnowflakeid datetimetosnowflakeid datetimetouuidv7 datetrunc day dayofmonth dayofweek
  dayofyear formatdatetime formatdatetimeinjodasyntax from_days from_unixtime from_utc_timestamp
  fromdayssinceyearzero fromdayssinceyearzero32 frommodifiedjulianday frommodifiedjuliandayornull fromunixtimestamp
  fromunixtimestampinjodasyntax fromutctimestamp generateuuidv4 generateuuidv7 hop hopend hopstart hour last_day
  localtime localtimestamp makedate makedate32 makedatetime makedatetime64 microsecond millisecond minute month
  monthname nanosecond now now64 nowinblock nowinblock64 quarter second servertimezone snowflakeidtodatetime
  snowflakeidtodatetime64 subdate subtractdays subtracthours subtractinterval subtractmicroseconds
  subtractmilliseconds subtractminutes subtractmonths subtractnanoseconds subtractquarters subtractseconds
  subtracttupleofintervals subtractweeks subtractyears time_bucket timediff timeslot timeslots timestamp
  timestamp_diff timestampdiff timezone timezoneof timezoneoffset to_days to_utc_timestamp today todayofmonth
  todayofweek todayofyear todaysinmonth todayssinceyearzero tohour toisoweek toisoyear tolastdayofmonth
  tolastdayofweek tomicrosecond tomillisecond tominute tomodifiedjulianday tomodifiedjuliandayornull tomonday
  tomonth tomonthnumsinceepoch tonanosecond toquarter torelativedaynum torelativehournum torelativeminutenum
  torelativemonthnum torelativequarternum torelativesecondnum torelativeweeknum torelativeyearnum tosecond
  tostartofday tostartoffifteenminutes tostartoffiveminute tostartoffiveminutes tostartofhour tostartofinterval
  tostartofisoyear tostartofmicrosecond tostartofmillisecond tostartofminute tostartofmonth tostartofnanosecond
  tostartofquarter tostartofsecond tostartoftenminutes tostartofweek tostartofyear totimewithfixeddate totimezone
  tounixtimestamp toutctimestamp touuidordefault touuidornull toweek toyear toyearnumsinceepoch toyearweek toyyyymm
  toyyyymmdd toyyyymmddhhmmss tumble tumbleend tumblestart utc_timestamp utctimestamp uuidnumtostring
  uuidstringtonum uuidtonum uuidv7todatetime week windowid year yearweek yesterday yyyymmddhhmmsstodatetime
  yyyymmddhhmmsstodatetime64 yyyymmddtodate yyyymmddtodate32
`);

const text = names(`
  alphatokens appendtrailingcharifabsent array_to_string arraystringconcat ascii base32decode base32encode
  base58decode base58encode base64decode base64encode base64urldecode base64urlencode basename bin bitmasktoarray
  bitmasktolist bitpositionstoarray bytehammingdistance byteslice casefoldutf8 char char_length character_length
  cityhash64 comparesubstrings concat concat_ws concatassumeinjective concatwithseparator
  concatwithseparatorassumeinjective conv countmatches countmatchescaseinsensitive countsubstrings
  countsubstringscaseinsensitive countsubstringscaseinsensitiveutf8 crc32 crc32ieee crc64 cutfragment cutipv6
  cutquerystring cutquerystringandfragment cuttofirstsignificantsubdomain cuttofirstsignificantsubdomaincustom
  cuttofirstsignificantsubdomaincustomrfc cuttofirstsignificantsubdomaincustomwithwww
  cuttofirstsignificantsubdomaincustomwithwwwrfc cuttofirstsignificantsubdomainrfc
  cuttofirstsignificantsubdomainwithwww cuttofirstsignificantsubdomainwithwwwrfc cuturlparameter cutwww
  dameraulevenshteindistance decodehtmlcomponent decodeurlcomponent decodeurlformcomponent decodexmlcomponent domain
  domainrfc domainwithoutwww domainwithoutwwwrfc editdistance editdistanceutf8 encodeurlcomponent
  encodeurlformcomponent encodexmlcomponent endswith endswithcaseinsensitive endswithcaseinsensitiveutf8
  endswithutf8 extract extractall extractallgroups extractallgroupshorizontal extractallgroupsvertical extractgroups
  extracttextfromhtml extracturlparameter extracturlparameternames extracturlparameters farmfingerprint64 farmhash64
  firstline firstsignificantsubdomain firstsignificantsubdomaincustom firstsignificantsubdomaincustomrfc
  firstsignificantsubdomainrfc format fragment from_base64 gccmurmurhash halfmd5 hasalltoken hasalltokens
  hasanytoken hasanytokens hasphrase hassubsequence hassubsequencecaseinsensitive hassubsequencecaseinsensitiveutf8
  hassubsequenceutf8 hastoken hastokencaseinsensitive hastokencaseinsensitiveornull hastokenornull hex highlight
  hilbertdecode hilbertencode hivehash iceberghash ilike inet6_aton inet6_ntoa inet_aton inet_ntoa initcap
  initcaputf8 instr inthash32 inthash64 ipv4cidrtorange ipv4numtostring ipv4numtostringclassc ipv4stringtonum
  ipv4stringtonumordefault ipv4stringtonumornull ipv4toipv6 ipv6cidrtorange ipv6numtostring ipv6stringtonum
  ipv6stringtonumordefault ipv6stringtonumornull isascii isipaddressinrange isipv4string isipv6string isvalidascii
  isvalidutf8 jarosimilarity jarowinklersimilarity javahash javahashutf16le jumpconsistenthash kafkamurmurhash
  keccak256 kostikconsistenthash lcase left leftpad leftpadutf8 leftutf8 lengthutf8 levenshteindistance
  levenshteindistanceutf8 like locate lower lowerutf8 lpad ltrim match matchphrase md4 md5 metrohash64 mid
  mismatches mortondecode mortonencode multisearchallpositions multisearchallpositionscaseinsensitive
  multisearchallpositionscaseinsensitiveutf8 multisearchallpositionsutf8 multisearchany
  multisearchanycaseinsensitive multisearchanycaseinsensitiveutf8 multisearchanyutf8 multisearchfirstindex
  multisearchfirstindexcaseinsensitive multisearchfirstindexcaseinsensitiveutf8 multisearchfirstindexutf8
  multisearchfirstposition multisearchfirstpositioncaseinsensitive multisearchfirstpositioncaseinsensitiveutf8
  multisearchfirstpositionutf8 murmurhash2_32 murmurhash2_64 murmurhash3_128 murmurhash3_32 murmurhash3_64
  naivebayesngrams natural_sort_key naturalsortkey netloc ngramdistance ngramdistancecaseinsensitive
  ngramdistancecaseinsensitiveutf8 ngramdistanceutf8 ngramminhash ngramminhasharg ngramminhashargcaseinsensitive
  ngramminhashargcaseinsensitiveutf8 ngramminhashargutf8 ngramminhashcaseinsensitive ngramminhashcaseinsensitiveutf8
  ngramminhashutf8 ngrams ngramsearch ngramsearchcaseinsensitive ngramsearchcaseinsensitiveutf8 ngramsearchutf8
  ngramsimhash ngramsimhashcaseinsensitive ngramsimhashcaseinsensitiveutf8 ngramsimhashutf8 normalizeutf8nfc
  normalizeutf8nfd normalizeutf8nfkc normalizeutf8nfkccasefold normalizeutf8nfkd notilike notlike overlay
  overlayutf8 path pathfull port portrfc position positioncaseinsensitive positioncaseinsensitiveutf8 positionutf8
  printf protocol querystring querystringandfragment regexp_extract regexp_instr regexp_matches regexp_replace
  regexp_substr regexpextract regexpinstr regexpposition regexpquotemeta removeaccentsutf8 removediacriticsutf8
  repeat replace replaceall replaceone replaceregexpall replaceregexpone reversebyseparator reverseutf8 right
  rightpad rightpadutf8 rightutf8 ripemd160 rpad rtrim sha1 sha224 sha256 sha384 sha512 sha512_256 siphash128
  siphash128keyed siphash128reference siphash128referencekeyed siphash64 siphash64keyed soundex space sparsegrams
  sparsegramshashes sparsegramshashesutf8 sparsegramsutf8 splitbyalpha splitbychar splitbynonalpha splitbyregexp
  splitbystring splitbywhitespace sqid sqiddecode sqidencode startswith startswithcaseinsensitive
  startswithcaseinsensitiveutf8 startswithutf8 stringbytesentropy stringbytesuniq stringjaccardindex
  stringjaccardindexutf8 substr substring substring_index substringindex substringindexutf8 substringutf8 to_base64
  toipv4 toipv4ordefault toipv4ornull toipv4orzero toipv6 toipv6ordefault toipv6ornull toipv6orzero tokens
  tokensforlikepattern topleveldomain topleveldomainrfc tovalidutf8 translate translateutf8 trim trimboth trimleft
  trimright trybase32decode trybase58decode trybase64decode trybase64urldecode ucase unbin unhex upper upperutf8
  urlhash urlhierarchy urlpathhierarchy wordshingleminhash wordshingleminhasharg
  wordshingleminhashargcaseinsensitive wordshingleminhashargcaseinsensitiveutf8 wordshingleminhashargutf8
  wordshingleminhashcaseinsensitive wordshingleminhashcaseinsensitiveutf8 wordshingleminhashutf8 wordshinglesimhash
  wordshinglesimhashcaseinsensitive wordshinglesimhashcaseinsensitiveutf8 wordshinglesimhashutf8 wyhash64 xxh3
  xxh3_128 xxhash32 xxhash64 xxhash64spark yandexconsistenthash
`);

const structure = names(`
  array array_remove arrayall arrayauc arrayaucpr arrayautocorrelation arrayavg arraybottomk arraycompact
  arrayconcat arraycount arraycumsum arraycumsumnonnegative arraydifference arraydistinct arraydotproduct
  arrayelement arrayelementornull arrayenumerate arrayenumeratedense arrayenumeratedenseranked arrayenumerateuniq
  arrayenumerateuniqranked arrayexcept arrayexists arrayfill arrayfilter arrayfirst arrayfirstindex arrayfirstornull
  arrayflatten arrayfold arrayintersect arrayjaccardindex arrayjoin arraylast arraylastindex arraylastornull
  arraylevenshteindistance arraylevenshteindistanceweighted arraymap arraymax arraymin arraynormalizedgini
  arraypartialreversesort arraypartialshuffle arraypartialsort arraypopback arraypopfront arrayprauc arrayproduct
  arraypushback arraypushfront arrayreduce arrayreduceinranges arrayremove arrayresize arrayreverse arrayreversefill
  arrayreversesort arrayreversesplit arrayrocauc arrayrotateleft arrayrotateright arrayshiftleft arrayshiftright
  arrayshingles arrayshuffle arraysimilarity arrayslice arraysort arraysplit arraysum arraysymmetricdifference
  arraytopk arraytranspose arrayunion arrayuniq arraywithconstant arrayzip arrayzipunaligned bitmapand
  bitmapandcardinality bitmapandnot bitmapandnotcardinality bitmapbuild bitmapcardinality bitmapcontains
  bitmaphasall bitmaphasany bitmapmax bitmapmin bitmapor bitmaporcardinality bitmapsubsetinrange bitmapsubsetlimit
  bitmaptoarray bitmaptransform bitmapxor bitmapxorcardinality cardinality countequal dotproduct dynamicelement
  dynamictype empty emptyarraydate emptyarraydatetime emptyarrayfloat32 emptyarrayfloat64 emptyarrayint16
  emptyarrayint32 emptyarrayint64 emptyarrayint8 emptyarraystring emptyarraytosingle emptyarrayuint16
  emptyarrayuint32 emptyarrayuint64 emptyarrayuint8 extractkeyvaluepairs extractkeyvaluepairswithescaping flatten
  flattentuple has hasall hasany hassubstr indexof indexofassumesorted isdynamicelementinshareddata isvalidjson
  json_array_length json_exists json_query json_value jsonallpaths jsonallpathswithtypes jsonallvalues
  jsonarraylength jsondynamicpaths jsondynamicpathswithtypes jsonextract jsonextractarrayraw
  jsonextractarrayrawcaseinsensitive jsonextractbool jsonextractboolcaseinsensitive jsonextractcaseinsensitive
  jsonextractfloat jsonextractfloatcaseinsensitive jsonextractint jsonextractintcaseinsensitive jsonextractkeys
  jsonextractkeysandvalues jsonextractkeysandvaluescaseinsensitive jsonextractkeysandvaluesraw
  jsonextractkeysandvaluesrawcaseinsensitive jsonextractkeyscaseinsensitive jsonextractraw
  jsonextractrawcaseinsensitive jsonextractstring jsonextractstringcaseinsensitive jsonextractuint
  jsonextractuintcaseinsensitive jsonhas jsonkey jsonlength jsonmergepatch jsonshareddatapaths
  jsonshareddatapathswithtypes jsontype length map map_from_arrays mapadd mapall mapapply mapconcat mapcontains
  mapcontainskey mapcontainskeylike mapcontainsvalue mapcontainsvaluelike mapexists mapextractkeylike
  mapextractvaluelike mapfilter mapfromarrays mapfromstring mapkeys mappartialreversesort mappartialsort
  mappopulateseries mapreversesort mapsort mapsubtract mapupdate mapvalues notempty octet_length prettyprintjson
  randomhadamardtransform range replicate reverse scalarproduct simplejsonextractbool simplejsonextractfloat
  simplejsonextractint simplejsonextractraw simplejsonextractstring simplejsonextractuint simplejsonhas str_to_map
  subbitmap tojsonstring tuple tupleconcat tupledivide tupledividebynumber tupleelement tuplehammingdistance
  tupleintdiv tupleintdivbynumber tupleintdivorzero tupleintdivorzerobynumber tupleminus tuplemodulo
  tuplemodulobynumber tuplemultiply tuplemultiplybynumber tuplenames tuplenegate tupleplus
  tuplepositivemodulobynumber tupletonamevaluepairs unnest vectordifference vectorsum visitparamextractbool
  visitparamextractfloat visitparamextractint visitparamextractraw visitparamextractstring visitparamextractuint
  visitparamhas
`);

const aggregate = names(`
  analysisofvariance anova any any_respect_nulls any_value any_value_respect_nulls anyheavy anylast
  anylast_respect_nulls anylastrespectnulls anyrespectnulls anyvaluerespectnulls approx_top_count approx_top_k
  approx_top_sum argandmax argandmin argmax argmin array_agg avg avgweighted bit_and bit_or bit_xor boundingratio
  categoricalinformationvalue contingency corr corrmatrix corrstable count covar_pop covar_samp covarpop
  covarpopmatrix covarpopstable covarsamp covarsampmatrix covarsampstable cramersv cramersvbiascorrected cume_dist
  deltasum deltasumtimestamp dense_rank denserank distinctdynamictypes distinctjsonpaths distinctjsonpathsandtypes
  entropy exponentialmovingaverage exponentialtimedecayedavg exponentialtimedecayedcount exponentialtimedecayedmax
  exponentialtimedecayedsum first_value first_value_respect_nulls firstvaluerespectnulls group_concat grouparray
  grouparrayinsertat grouparrayintersect grouparraylast grouparraymovingavg grouparraymovingsum grouparraysample
  grouparraysorted groupbitand groupbitmap groupbitmapand groupbitmapor groupbitmapxor groupbitor groupbitxor
  groupconcat groupnumericindexedvector groupuniqarray histogram intervallengthsum kolmogorovsmirnovtest kurtpop
  kurtsamp lag laginframe largesttrianglethreebuckets last_value last_value_respect_nulls lastvaluerespectnulls lead
  leadinframe lttb mannwhitneyutest max max_by maxintersections maxintersectionsposition maxmappedarrays meanztest
  median medianbfloat16 medianbfloat16weighted mediandd mediandeterministic medianexact medianexacthigh
  medianexactlow medianexactweighted medianexactweightedinterpolated mediangk medianinterpolatedweighted
  mediantdigest mediantdigestweighted mediantiming mediantimingweighted min min_by minmappedarrays
  nonnegativederivative nothing nothingnull nothinguint64 nth_value ntile percent_rank percentrank quantile
  quantilebfloat16 quantilebfloat16weighted quantiledd quantiledeterministic quantileexact quantileexactexclusive
  quantileexacthigh quantileexactinclusive quantileexactlow quantileexactweighted quantileexactweightedinterpolated
  quantilegk quantileinterpolatedweighted quantileprometheushistogram quantiles quantilesbfloat16
  quantilesbfloat16weighted quantilesdd quantilesdeterministic quantilesexact quantilesexactexclusive
  quantilesexacthigh quantilesexactinclusive quantilesexactlow quantilesexactweighted
  quantilesexactweightedinterpolated quantilesgk quantilesinterpolatedweighted quantilesprometheushistogram
  quantilestdigest quantilestdigestweighted quantilestiming quantilestimingweighted quantiletdigest
  quantiletdigestweighted quantiletiming quantiletimingweighted rank rankcorr retention row_number sequencecount
  sequencematch sequencematchevents sequencenextnode simplelinearregression singlevalueornull skewpop skewsamp
  sparkbar std stddev stddev_pop stddev_samp stddevpop stddevpopstable stddevsamp stddevsampstable string_agg
  studentttest studentttestonesample sum sumcount sumkahan summapfiltered summapfilteredwithoverflow summappedarrays
  summapwithoverflow sumwithoverflow theilsu topk topkweighted uniq uniqcombined uniqcombined64 uniqexact uniqhll12
  uniqupto var_pop var_samp varpop varpopstable varsamp varsampstable welchttest windowfunnel
`);

const other = names(`
  _cast casewithexpression casewithexpr bar bytesize countdigits currentdatabase dynamicelement dynamictype exists finalizeaggregation
  formatreadabledecimalsize formatreadablequantity formatreadablesize formatreadabletimedelta getsubcolumn identity
  ignore indexhint initializeaggregation isconstant lambda materialize minsamplesizecontinuous
  minsamplesizeconversion neighbor parsereadablesize parsereadablesizeornull parsereadablesizeorzero parsetimedelta
  proportionsztest rownumberinallblocks rownumberinblock runningaccumulate runningdifference
  runningdifferencestartingwithfirstvalue seriesdecomposestl seriesoutliersdetecttukey sqlstandardvalues
  timeseriesrange totypename transform variantelement varianttype version visiblewidth
`);

/** Aggregate functions, which may carry combinators. */
export const aggregateFunctions: ReadonlySet<string> = new Set(aggregate);

/** Every function that may be called. */
export const functions: ReadonlySet<string> = new Set([
  ...conversion,
  ...arithmetic,
  ...time,
  ...text,
  ...structure,
  ...aggregate,
  ...other,
]);

/** What may follow an aggregate function's name: `quantilesTDigestIf`, `sumMapOrNull`. */
export const combinators = names(
  'if array map distinct ornull ordefault foreach resample argmin argmax state merge mergestate simplestate',
);

/** Functions that may stand in FROM. */
export const tableFunctions: ReadonlySet<string> = new Set(
  names('numbers generateseries generate_series values view sqlstandardvalues'),
);

/** Functions of no argument whose names people give to columns: harmless as a bare name, where they are never called. */
export const harmlessNames: ReadonlySet<string> = new Set(
  names('user database schema hostname version uptime revision'),
);

/** Tables of the database that hold secrets, if only hashed or encrypted, and who changed what. */
export const hiddenTables: ReadonlySet<string> = new Set(
  names('keys limits routes route_versions provider_keys prices audit'),
);

/** Kinds of nodes of a parsed statement. Not here: Set (a SETTINGS clause), ColumnsApplyTransformer (it hides its function). */
export const nodes: ReadonlySet<string> = new Set(
  names(`
  SelectWithUnionQuery SelectIntersectExceptQuery SelectQuery ExpressionList Identifier Literal Function Subquery
  Asterisk QualifiedAsterisk ColumnsTransformerList ColumnsExceptTransformer ColumnsReplaceTransformer
  ColumnsReplaceTransformer::Replacement ColumnsRegexpMatcher ColumnsListMatcher QualifiedColumnsRegexpMatcher
  QualifiedColumnsListMatcher TablesInSelectQuery TablesInSelectQueryElement TableExpression TableIdentifier TableJoin
  ArrayJoin WithElement OrderByElement InterpolateElement WindowDefinition WindowListElement SampleRatio
`),
);

/** Words that may stand before a bracket in the engine's own spelling of a statement, and are no function. */
export const keywords: ReadonlySet<string> = new Set(
  names(`
  select distinct on from join where prewhere having qualify by sets in and or not as over using values when then else end
  between like ilike is union all intersect except replace limit offset with fill interpolate array filter any
  cross inner left right full outer asof semi anti global columns window partition order group rollup cube
  interval case array map tuple nullable lowcardinality
`),
);

/** Settings that may come in the URL; they shape the output, or limit further. */
export const settings: ReadonlySet<string> = new Set(
  names(`
  output_format_json_quote_64bit_integers output_format_json_quote_64bit_floats output_format_json_quote_decimals
  output_format_json_quote_denormals output_format_json_named_tuples_as_objects output_format_json_array_of_rows
  output_format_json_escape_forward_slashes output_format_decimal_trailing_zeros output_format_csv_crlf_end_of_line
  output_format_write_statistics date_time_output_format format_csv_delimiter join_use_nulls any_join_distinct_right_table_keys
  group_by_use_nulls aggregate_functions_null_for_empty transform_null_in union_default_mode except_default_mode
  intersect_default_mode prefer_column_name_to_alias session_timezone extremes
`),
);

/** Settings that may only be lowered: name and highest value. */
export const limits: ReadonlyMap<string, number> = new Map([
  ['max_execution_time', 20],
  ['max_threads', 2],
  ['max_memory_usage', 512 * 1024 * 1024],
  ['max_result_rows', 2_000_000],
  // Time limits are looked at between blocks: eight times fewer rows than usual keep a slow function from running on.
  ['max_block_size', 8192],
]);
